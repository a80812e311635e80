/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/http.h"

#include <curl/curl.h>
#include <string.h>

#include "base/mem.h"

struct http {
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	struct buf body;
	char host[200];
	char words[CURL_ERROR_SIZE];
	CURLcode code;
	int status;
	bool added, done;
};

enum { CONNECT_MS = 5000 };

bool http_url_check(const char *url, struct err *err)
{
	struct text rest = text_of(url);
	struct text authority;
	bool good = text_starts(rest, TEXT("http://")) || text_starts(rest, TEXT("https://"));

	if (!good)
		return err_set(err, ERR_CONFIG, 0, "url begins with http:// or https://");
	rest = text_sub(rest, text_starts(rest, TEXT("https")) ? 8 : 7, rest.len);
	authority = rest;
	for (size_t at = 0; at < rest.len; at++) {
		if (rest.bytes[at] == '/' || rest.bytes[at] == '?' || rest.bytes[at] == '#') {
			authority.len = at;
			break;
		}
	}
	if (authority.len == 0)
		return err_set(err, ERR_CONFIG, 0, "url names no host");
	if (memchr(authority.bytes, '@', authority.len))
		return err_set(err, ERR_CONFIG, 0,
			"url holds credentials: use user and password instead");
	return true;
}

static size_t take(char *bytes, size_t size, size_t n, void *context)
{
	struct http *http = context;

	return buf_add_bytes(&http->body, bytes, size * n) ? size * n : 0;
}

static bool is_set(const char *text)
{
	return text && text[0] != '\0';
}

static void authorize(struct http *http, const struct http_get *get)
{
	struct buf header;

	if (is_set(get->user)) {
		(void)curl_easy_setopt(http->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		(void)curl_easy_setopt(http->easy, CURLOPT_USERNAME, get->user);
		(void)curl_easy_setopt(
			http->easy, CURLOPT_PASSWORD, get->password ? get->password : "");
	}
	if (is_set(get->token)) {
		buf_init(&header, 1 << 16);
		(void)buf_addf(&header, "Authorization: Bearer %s", get->token);
		http->headers = curl_slist_append(http->headers, header.bytes);
		buf_done(&header);
	}
	if (is_set(get->ca))
		(void)curl_easy_setopt(http->easy, CURLOPT_CAINFO, get->ca);
}

bool http_start(const struct http_get *get, struct http **http_out, struct err *err)
{
	struct http *http;

	if (!http_url_check(get->url, err))
		return false;
	http = NEW(struct http);
	buf_init(&http->body, get->max_bytes);
	(void)snprintf(http->host, sizeof http->host, "%.*s", (int)strcspn(get->url, "?#"), get->url);
	http->multi = curl_multi_init();
	http->easy = curl_easy_init();
	if (!http->multi || !http->easy) {
		http_free(http);
		return err_set(err, ERR_NET, 0, "libcurl does not start");
	}
	http->headers = curl_slist_append(NULL, "Accept: application/json");
	authorize(http, get);
	(void)curl_easy_setopt(http->easy, CURLOPT_URL, get->url);
	(void)curl_easy_setopt(http->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(http->easy, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(http->easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700 /* else a name server that does not answer is waited for */
	(void)curl_easy_setopt(http->easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	(void)curl_easy_setopt(http->easy, CURLOPT_TIMEOUT_MS, (long)get->timeout_ms);
	(void)curl_easy_setopt(http->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	(void)curl_easy_setopt(http->easy, CURLOPT_USERAGENT, "weir/" WEIR_VERSION);
	(void)curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, http->headers);
	(void)curl_easy_setopt(http->easy, CURLOPT_ERRORBUFFER, http->words);
	(void)curl_easy_setopt(http->easy, CURLOPT_WRITEFUNCTION, take);
	(void)curl_easy_setopt(http->easy, CURLOPT_WRITEDATA, http);
	http->added = curl_multi_add_handle(http->multi, http->easy) == CURLM_OK;
	if (!http->added) {
		http_free(http);
		return err_set(err, ERR_NET, 0, "libcurl does not take the request");
	}
	*http_out = http;
	return true;
}

static enum http_said finish(struct http *http, struct err *err)
{
	const char *words = http->words[0] ? http->words : curl_easy_strerror(http->code);
	enum err_kind kind = ERR_NET;

	if (http->code == CURLE_OK)
		return HTTP_DONE;
	if (http->body.full) {
		(void)err_set(err, ERR_LIMIT, 0, "%s: the reply is larger than %zu bytes",
			http->host, http->body.max);
		return HTTP_FAILED;
	}
	if (http->code == CURLE_OPERATION_TIMEDOUT)
		kind = ERR_TIMEOUT;
	else if (http->code == CURLE_PEER_FAILED_VERIFICATION ||
		http->code == CURLE_SSL_CACERT_BADFILE)
		kind = ERR_AUTH;
	(void)err_set(err, kind, (int)http->code, "%s: %s", http->host, words);
	return HTTP_FAILED;
}

enum http_said http_wait(struct http *http, int64_t ms, struct err *err)
{
	int running = 0;
	int left = 0;
	const CURLMsg *message;
	long status = 0;

	if (http->done)
		return finish(http, err);
	if (curl_multi_perform(http->multi, &running) == CURLM_OK && running > 0) {
		(void)curl_multi_poll(http->multi, NULL, 0, ms > 0 ? (int)ms : 0, NULL);
		(void)curl_multi_perform(http->multi, &running);
	}
	message = curl_multi_info_read(http->multi, &left);
	if (!message || message->msg != CURLMSG_DONE)
		return HTTP_BUSY;
	http->done = true;
	http->code = message->data.result;
	(void)curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
	http->status = (int)status;
	return finish(http, err);
}

int http_status(const struct http *http)
{
	return http->status;
}

struct text http_body(const struct http *http)
{
	return buf_text(&http->body);
}

void http_free(struct http *http)
{
	if (!http)
		return;
	if (http->added)
		(void)curl_multi_remove_handle(http->multi, http->easy);
	curl_easy_cleanup(http->easy);
	(void)curl_multi_cleanup(http->multi);
	curl_slist_free_all(http->headers);
	buf_done(&http->body);
	free(http);
}
