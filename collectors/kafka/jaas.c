/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/kafka/jaas.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"

enum { OPTION_MAX_BYTES = 64 << 10 };

static void skip_space(struct text *rest)
{
	while (rest->len > 0 && isspace((unsigned char)rest->bytes[0]))
		*rest = text_sub(*rest, 1, rest->len);
}

static struct text take_word(struct text *rest)
{
	size_t len = 0;

	while (len < rest->len && !isspace((unsigned char)rest->bytes[len]) &&
		rest->bytes[len] != '=' && rest->bytes[len] != ';')
		len++;
	struct text word = text_sub(*rest, 0, len);
	*rest = text_sub(*rest, len, rest->len);
	return word;
}

/* "quoted with \" in it", 'the same', or bare up to a blank or the closing semicolon. */
static struct text take_value(struct arena *arena, struct text *rest)
{
	struct buf value;
	struct text kept;
	char quote = 0;
	size_t at = 0;

	buf_init(&value, OPTION_MAX_BYTES);
	if (rest->len > 0 && (rest->bytes[0] == '"' || rest->bytes[0] == '\''))
		quote = rest->bytes[at++];
	for (; at < rest->len; at++) {
		char byte = rest->bytes[at];

		if (quote ? byte == quote : (isspace((unsigned char)byte) || byte == ';'))
			break;
		if (quote && byte == '\\' && at + 1 < rest->len)
			byte = rest->bytes[++at];
		(void)buf_add_char(&value, byte); /* cut is fine: it will not log in */
	}
	if (quote && at < rest->len)
		at++;
	*rest = text_sub(*rest, at, rest->len);
	kept = arena_text(arena, buf_text(&value));
	explicit_bzero(value.bytes, value.len);
	buf_done(&value);
	return kept;
}

enum jaas_kind jaas_parse(struct arena *arena, struct text value, struct jaas *out)
{
	struct text rest = value;
	struct text module;

	*out = (struct jaas){ .username = TEXT_NONE, .password = TEXT_NONE };
	skip_space(&rest);
	module = take_word(&rest);
	if (text_ends(module, TEXT("OAuthBearerLoginModule")))
		return JAAS_OAUTH;
	if (text_ends(module, TEXT("Krb5LoginModule")))
		return JAAS_KERBEROS;
	out->plain = text_ends(module, TEXT("PlainLoginModule"));
	if (!out->plain && !text_ends(module, TEXT("ScramLoginModule")))
		return JAAS_UNKNOWN;
	for (;;) {
		struct text name;

		skip_space(&rest);
		name = take_word(&rest);
		skip_space(&rest);
		if (rest.len == 0 || (name.len == 0 && rest.bytes[0] != '='))
			break;
		if (rest.bytes[0] != '=')
			continue; /* "required" */
		rest = text_sub(rest, 1, rest.len);
		skip_space(&rest);
		if (text_is(name, "username"))
			out->username = take_value(arena, &rest);
		else if (text_is(name, "password"))
			out->password = take_value(arena, &rest);
		else
			(void)take_value(arena, &rest);
	}
	return out->username.bytes && out->password.bytes ? JAAS_LOGIN : JAAS_UNKNOWN;
}
