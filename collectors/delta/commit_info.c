/* SPDX-License-Identifier: Apache-2.0 */
/* commitInfo as engines write it, without a tree: a history is mostly these. */
#include <string.h>

#include "base/mem.h"
#include "collectors/delta/parts.h"
#include "collectors/delta/scan.h"

enum { MEMBERS_MAX = 64 };

struct info {
	struct fact_version *version;
	int64_t *in_commit_ms;
	struct text client; /* clientVersion, for those without engineInfo */
};

static struct text kept(const struct scan *scan, struct text text)
{
	return arena_text(scan->arena, text_sub(text, 0, FACT_KEEP_MAX));
}

static const char *take_string(const struct scan *scan, const char *p, struct text *out)
{
	struct text text;

	p = scan_string(scan, p, &text);
	if (p)
		*out = kept(scan, text);
	return p;
}

static const char *take_number(const struct scan *scan, const char *p, int64_t *out)
{
	*out = FACT_UNKNOWN;
	return scan_number(scan, p, out);
}

/* From the opening quote to behind the closing one, if a dump of the string has the same bytes. */
static const char *verbatim_string(const char *p, const char *end)
{
	for (p++;; p += 2) {
		p = lex_special(p, end);
		if (p == end)
			return NULL;
		if (*p == '"')
			return p + 1;
		if (*p != '\\' || p[1] == '/' || !lex_escape(p[1]))
			return NULL;
	}
}

static const char *verbatim_value(const char *p, const char *end)
{
	int64_t ignored;

	if (*p == '"')
		return verbatim_string(p, end);
	if (lex_is_digit(*p))
		return lex_integer(p, &ignored);
	return *p == 't' || *p == 'f' || *p == 'n' ? lex_skip_word(p, end) : NULL;
}

/*
 * A flat object without blanks, each key once, that a dump of its tree gives back byte by byte: so it
 * can be kept as it stands. member, if there is one, sees each.
 */
static const char *verbatim_object(const struct scan *scan, const char *p, struct text *out,
	void (*member)(const struct scan *scan, struct text key, struct text value, void *to),
	void *to)
{
	struct text keys[MEMBERS_MAX];
	const char *start = p;
	size_t n = 0;

	if (*p == 'n') {
		*out = TEXT_NONE;
		return lex_word(p, scan->end, "null", 4);
	}
	if (*p++ != '{')
		return NULL;
	while (*p != '}') {
		const char *value = *p == '"' ? lex_special(p + 1, scan->end) : scan->end;

		if (n == MEMBERS_MAX || value == scan->end || value[0] != '"' || value[1] != ':')
			return NULL;
		keys[n] = (struct text){ p + 1, (size_t)(value - p - 1) };
		for (size_t i = 0; i < n; i++)
			if (text_eq(keys[i], keys[n]))
				return NULL;
		value += 2;
		p = verbatim_value(value, scan->end);
		if (!p || (*p != ',' && *p != '}') || (*p == ',' && p[1] != '"'))
			return NULL;
		if (member)
			member(scan, keys[n], (struct text){ value, (size_t)(p - value) }, to);
		n++;
		p += *p == ',';
	}
	p++;
	if (p - start > FACT_RAW_MAX)
		return NULL; /* which is said in words elsewhere */
	*out = arena_text(scan->arena, (struct text){ start, (size_t)(p - start) });
	return p;
}

/* A string's characters, a number's or a word's; "\"7\"" is 7, as some writers have it. */
static void take_parameter(const struct scan *scan, struct text key, struct text value, void *to)
{
	struct fact_version *version = to;
	struct text *out = text_is(key, "updateId") ? &version->update_id
		: text_is(key, "pipelineId")        ? &version->pipeline_id
		: text_is(key, "epochId")           ? &version->epoch_id
						    : NULL;
	struct text text = value;

	if (!out || text_is(value, "null"))
		return;
	if (value.bytes[0] == '"')
		(void)scan_string(scan, value.bytes, &text); /* it was read through before */
	text = kept(scan, text);
	if (text.len >= 2 && text.bytes[0] == '"' && text.bytes[text.len - 1] == '"')
		text = text_sub(text, 1, text.len - 2);
	*out = text;
}

static const char *take_parameters(const struct scan *scan, const char *p,
	struct fact_version *version)
{
	version->update_id = version->pipeline_id = version->epoch_id = TEXT_NONE;
	return verbatim_object(scan, p, &version->parameters, take_parameter, version);
}

static const char *take_blind(const struct scan *scan, const char *p, int8_t *out)
{
	*out = *p == 't' ? 1 : *p == 'f' ? 0 : -1;
	return *p == 't' || *p == 'f' || *p == 'n' ? lex_skip_word(p, scan->end) : NULL;
}

static const char *info_member(const struct scan *scan, struct text key, const char *p, void *to)
{
	struct info *info = to;
	struct fact_version *version = info->version;
	const struct {
		const char *name;
		struct text *text;
		int64_t *number;
		struct text *object;
	} members[] = {
		{ "timestamp", NULL, &version->commit_info_ms, NULL },
		{ "inCommitTimestamp", NULL, info->in_commit_ms, NULL },
		{ "readVersion", NULL, &version->read_version, NULL },
		{ "operation", &version->operation, NULL, NULL },
		{ "userId", &version->user_id, NULL, NULL },
		{ "userName", &version->user_name, NULL, NULL },
		{ "engineInfo", &version->engine, NULL, NULL },
		{ "clientVersion", &info->client, NULL, NULL },
		{ "isolationLevel", &version->isolation_level, NULL, NULL },
		{ "userMetadata", &version->user_metadata, NULL, NULL },
		{ "clusterId", &version->cluster_id, NULL, NULL },
		{ "operationMetrics", NULL, NULL, &version->metrics },
		{ "job", NULL, NULL, &version->job },
		{ "notebook", NULL, NULL, &version->notebook },
	};

	if (text_is(key, "operationParameters"))
		return take_parameters(scan, p, version);
	if (text_is(key, "isBlindAppend"))
		return take_blind(scan, p, &version->is_blind_append);
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (!text_is(key, members[i].name))
			continue;
		if (members[i].number)
			return take_number(scan, p, members[i].number);
		if (members[i].text)
			return take_string(scan, p, members[i].text);
		return verbatim_object(scan, p, members[i].object, NULL, NULL);
	}
	return lex_skip_value(p, scan->end, SCAN_DEPTH);
}

bool delta_info_scan(struct arena *arena, struct text line, struct fact_version *version,
	int64_t *in_commit_ms_out)
{
	const struct scan scan = { .end = line.bytes + line.len, .arena = arena };
	struct fact_version read = *version;
	int64_t in_commit_ms = FACT_UNKNOWN;
	struct info info = { &read, &in_commit_ms, TEXT_NONE };
	const char *p = line.bytes;
	struct text key;

	if (line.len < 2 || *p != '{' || scan.end[-1] != '}')
		return false;
	p = lex_key(lex_blank(p + 1), scan.end, &key);
	if (!p || !text_is(key, "commitInfo"))
		return false;
	p = scan_object(&scan, p, info_member, &info);
	if (!p || p == scan.end)
		return false;
	p = lex_blank(p);
	if (*p != '}' || p + 1 != scan.end)
		return false;
	if (!read.engine.bytes)
		read.engine = info.client;
	*version = read;
	*in_commit_ms_out = in_commit_ms;
	return true;
}
