/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

/*
 * Caller-owned errors: fixed size, no allocation, no global. Every fallible function returns true
 * when it did its work and takes a struct err last, never NULL. On true the err is untouched; on
 * false it is set and outputs are untouched. Text is for people: lower case, no full stop, what
 * was tried, on what, why. Secrets never enter it. Any thread, each its own struct.
 */
#define ERR_KINDS(X)                                                                               \
	X(NONE, "none", "")                                                                        \
	X(USAGE, "usage", "see weir --help")                                                       \
	X(CONFIG, "configuration", "mend the configuration file; weir doctor checks it")           \
	X(IO, "input/output", "check that the path exists and may be read")                        \
	X(NET, "network", "it is tried again by itself")                                           \
	X(AUTH, "permission", "check the account and its rights")                                  \
	X(TIMEOUT, "timeout", "it is tried again by itself")                                       \
	X(FORMAT, "format", "the input is kept and counted; the rest goes on")                     \
	X(STORE, "store", "weir doctor examines the store")                                        \
	X(LIMIT, "limit", "the input is larger than Weir accepts")                                 \
	X(ABSENT, "absent", "check the name")                                                      \
	X(UNSUPPORTED, "not supported", "")                                                        \
	X(CANCELED, "canceled", "")

enum err_kind {
#define X(id, name, advice) ERR_##id,
	ERR_KINDS(X)
#undef X
};

struct err {
	enum err_kind kind;
	int code; /* errno or a library's code; 0 = none */
	char text[512];
};

#define ERR_INIT { ERR_NONE, 0, "" }

/* Both return false, so that `return err_set(err, ...)` reads as one thought. */
bool err_set(struct err *err, enum err_kind kind, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Puts "what we did: " before the text that is there; the kind stays. */
bool err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* ERR_IO (ERR_ABSENT, ERR_AUTH where errno says so) with strerror(code) after the text. */
bool err_errno(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

const char *err_kind_name(enum err_kind kind);
const char *err_advice(enum err_kind kind); /* what to do next, in a phrase; "" = nothing */

#endif
