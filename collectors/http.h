/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_HTTP_H
#define COLLECTORS_HTTP_H

#include "base/buf.h"
#include "base/err.h"

/*
 * One GET over HTTP or HTTPS, waited for in slices, so that its caller stays awake. Certificates are
 * verified, redirects are not followed, the reply is capped. Errors name the host, never the
 * credentials. Only weir-collect links it (libcurl). An object belongs to one thread.
 */
struct http_get {
	const char *url;
	const char *user, *password; /* basic authentication; NULL or "" = none */
	const char *token;           /* bearer; NULL or "" = none */
	const char *ca;              /* PEM file of authorities; NULL or "" = the system's */
	int64_t timeout_ms;          /* of the whole */
	size_t max_bytes;            /* of the reply's body */
};

struct http;
enum http_said { HTTP_BUSY, HTTP_DONE, HTTP_FAILED };

/* http, https; a host; no credentials in it. */
bool http_url_check(const char *url, struct err *err);
bool http_start(const struct http_get *get, struct http **http_out, struct err *err);
/* Waits up to ms. FAILED sets err: NET, TIMEOUT, LIMIT or AUTH (a certificate that is not trusted). */
enum http_said http_wait(struct http *http, int64_t ms, struct err *err);
int http_status(const struct http *http);       /* after DONE: 200, 404 ... */
struct text http_body(const struct http *http); /* after DONE; borrowed */
void http_free(struct http *http);              /* at any time; NULL is allowed */

#endif
