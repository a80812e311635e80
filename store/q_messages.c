/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "store/message.h"
#include "store/reader_internal.h"

/*
 * Searching messages for a text, by their templates: each is judged once, and with names in it once
 * for each pair of names that an event puts there.
 */
enum { CONTAINS_MAX = 1024, PAIRS_MIN = 256 };
enum {
	MESSAGE_NO,
	MESSAGE_YES,
	MESSAGE_LOOK, /* its numbers decide */
	MESSAGE_NAMES /* its names decide */
};

struct message_pair { /* verdict of a template with names in it */
	int64_t message, flow, dataset;
	unsigned char verdict;
};

void message_set_done(struct message_set *set)
{
	free(set->verdict);
	free(set->pairs);
	if (set->wanted.max > 0)
		buf_done(&set->wanted);
	*set = (struct message_set){ 0 };
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool holds_mark(struct text template, char mark)
{
	return memchr(template.bytes, mark, template.len) != NULL;
}

/* A text without digits never spans a number: the template decides alone. */
static unsigned char judge(struct text wanted, struct text template)
{
	size_t from = 0;

	if (template.len == 0)
		return MESSAGE_NO;
	if (holds_mark(template, MESSAGE_ESCAPE))
		return MESSAGE_LOOK; /* foreign bytes: rare */
	if (text_contains_fold(template, wanted))
		return MESSAGE_YES;
	if (holds_mark(template, MESSAGE_FLOW) || holds_mark(template, MESSAGE_DATASET))
		return MESSAGE_NAMES;
	if (!holds_mark(template, MESSAGE_NUMBER))
		return MESSAGE_NO;
	/* every piece between digits must be there; where the numbers fall is looked at later */
	for (size_t i = 0; i <= wanted.len; i++) {
		if (i < wanted.len && !is_digit(wanted.bytes[i]))
			continue;
		if (i > from && !text_contains_fold(template, text_sub(wanted, from, i - from)))
			return MESSAGE_NO;
		from = i + 1;
	}
	for (size_t i = 0; i < wanted.len; i++) {
		if (is_digit(wanted.bytes[i]))
			return MESSAGE_LOOK;
	}
	return MESSAGE_NO;
}

/* Whether the end of one may be the begin of the other. */
static bool overlap(struct text head, struct text tail)
{
	for (size_t n = 1; n <= head.len && n <= tail.len; n++) {
		if (text_contains_fold(
			    text_sub(head, head.len - n, n), text_sub(tail, 0, n)))
			return true;
	}
	return false;
}

/*
 * Whether the text may stand partly in a name: else it stands in some name, which the dictionary
 * has, or nowhere.
 */
static bool may_span(struct text wanted, struct text template)
{
	size_t from = 0;

	for (size_t i = 0; i <= template.len; i++) {
		struct text piece;

		if (i < template.len && (unsigned char)template.bytes[i] >= MESSAGE_PLAIN)
			continue;
		if (i < template.len && template.bytes[i] == MESSAGE_NUMBER)
			return true;
		piece = text_sub(template, from, i - from);
		if (piece.len == 0 && i > 0 && i < template.len)
			return true; /* a name beside a name */
		if (piece.len > 0 &&
			(overlap(piece, wanted) || overlap(wanted, piece) ||
				text_contains_fold(wanted, piece)))
			return true;
		from = i + 1;
	}
	return false;
}

static void set_room(struct message_set *set, size_t room)
{
	if (room <= set->room)
		return;
	if (room < set->room * 2)
		room = set->room * 2;
	set->verdict = mem_resize(set->verdict, room, 1);
	memset(set->verdict + set->room, 0, room - set->room);
	set->room = room;
}

static bool set_wanted(struct message_set *set, struct text wanted, struct err *err)
{
	if (set->wanted.max == 0)
		buf_init(&set->wanted, CONTAINS_MAX);
	if (text_eq(buf_text(&set->wanted), wanted))
		return true;
	buf_reset(&set->wanted);
	if (!buf_add(&set->wanted, wanted))
		return err_set(err, ERR_LIMIT, 0, "search events: the text is longer than %d bytes",
			CONTAINS_MAX);
	set->upto = 0;
	set->found = 0;
	FREE(&set->pairs);
	set->pairs_room = set->npairs = 0;
	return true;
}

bool messages_judge(
	struct reader *reader, struct message_set *set, struct text wanted, struct err *err)
{
	sqlite3_stmt *stmt;
	bool row;

	if (!set_wanted(set, wanted, err) || !reader_query(reader, Q_DIM_AFTER, &stmt, err))
		return false;
	sqlite3_bind_int64(stmt, 1, set->upto);
	for (;;) {
		unsigned char verdict;
		struct text template;
		int64_t id;

		if (!sql_step(stmt, &row, err))
			return false;
		if (!row)
			return true;
		id = sqlite3_column_int64(stmt, 0);
		if (id < 0 || id > INT32_MAX)
			return err_set(err, ERR_STORE, 0, "search events: the dictionary is damaged");
		set_room(set, (size_t)id + 1);
		template = sql_text(stmt, 1);
		verdict = judge(wanted, template);
		set->verdict[id] = verdict;
		/* a name that holds the text is in the dictionary by itself */
		set->found += verdict == MESSAGE_NAMES ? may_span(wanted, template)
						       : verdict != MESSAGE_NO;
		set->upto = id;
	}
}

bool messages_sure(const struct message_set *set, int64_t message)
{
	return set->verdict[message] == MESSAGE_YES;
}

bool messages_may_name(const struct message_set *set, int64_t dim)
{
	return dim > 0 && (size_t)dim < set->room && set->verdict[dim] != MESSAGE_NO;
}

static size_t pair_slot(const struct message_set *set, const struct message_pair *pair)
{
	uint64_t hash = (uint64_t)pair->message * UINT64_C(0x9e3779b97f4a7c15) ^
		(uint64_t)pair->flow * UINT64_C(0xc2b2ae3d27d4eb4f) ^
		(uint64_t)pair->dataset * UINT64_C(0xd6e8feb86659fd93);
	size_t at = (hash ^ hash >> 32) & (set->pairs_room - 1);

	while (set->pairs[at].message != 0 &&
		(set->pairs[at].message != pair->message || set->pairs[at].flow != pair->flow ||
			set->pairs[at].dataset != pair->dataset))
		at = (at + 1) & (set->pairs_room - 1);
	return at;
}

static void pairs_grow(struct message_set *set)
{
	struct message_pair *old = set->pairs;
	size_t room = set->pairs_room;

	set->pairs_room = room ? room * 2 : PAIRS_MIN;
	set->pairs = NEW_ARRAY(struct message_pair, set->pairs_room);
	for (size_t i = 0; i < room; i++) {
		if (old[i].message != 0)
			set->pairs[pair_slot(set, &old[i])] = old[i];
	}
	free(old);
}

/* The template with its names in place, judged; what cannot be read decides later. */
static unsigned char judge_names(
	struct reader *reader, const struct message_set *set, const struct message_pair *pair)
{
	struct arena arena = { 0 };
	struct names names = names_of(reader, &arena);
	struct message_names in = { TEXT_NONE, TEXT_NONE };
	unsigned char verdict = MESSAGE_LOOK;
	struct err err = ERR_INIT;
	struct text template;
	struct buf buf;

	if (names_text(&names, pair->message, &template, &err) &&
		names_text(&names, pair->flow, &in.flow, &err) &&
		names_text(&names, pair->dataset, &in.dataset, &err)) {
		buf_init(&buf, SIZE_MAX);
		for (size_t i = 0; i < template.len; i++) {
			if (template.bytes[i] == MESSAGE_FLOW)
				buf_add(&buf, in.flow);
			else if (template.bytes[i] == MESSAGE_DATASET)
				buf_add(&buf, in.dataset);
			else
				buf_add_char(&buf, template.bytes[i]);
		}
		verdict = judge(buf_text(&set->wanted), buf_text(&buf));
		buf_done(&buf);
	}
	arena_free(&arena);
	return verdict;
}

static unsigned char verdict_of(struct reader *reader, struct message_set *set, int64_t message,
	int64_t flow, int64_t dataset)
{
	struct message_pair pair = { .message = message, .flow = flow, .dataset = dataset };
	size_t at;

	if (message <= 0 || (size_t)message >= set->room)
		return MESSAGE_NO;
	if (set->verdict[message] != MESSAGE_NAMES)
		return set->verdict[message];
	if (set->npairs * 2 >= set->pairs_room)
		pairs_grow(set);
	at = pair_slot(set, &pair);
	if (set->pairs[at].message == 0) {
		pair.verdict = judge_names(reader, set, &pair);
		set->pairs[at] = pair;
		set->npairs++;
	}
	return set->pairs[at].verdict;
}

bool messages_may(struct reader *reader, struct message_set *set, int64_t message, int64_t flow,
	int64_t dataset)
{
	return verdict_of(reader, set, message, flow, dataset) != MESSAGE_NO;
}

static void message_wanted(sqlite3_context *context, int n, sqlite3_value **values)
{
	struct reader *reader = sqlite3_user_data(context);

	(void)n;
	sqlite3_result_int(context,
		messages_may(reader, &reader->messages, sqlite3_value_int64(values[0]),
			sqlite3_value_int64(values[1]), sqlite3_value_int64(values[2])));
}

bool messages_function(struct reader *reader, struct err *err)
{
	if (sqlite3_create_function(reader->db, "message_wanted", 3, SQLITE_UTF8 | SQLITE_INNOCUOUS,
		    reader, message_wanted, NULL, NULL) != SQLITE_OK)
		return sql_error(reader->db, err, "open store %s", reader->path);
	return true;
}

bool names_message(struct names *names, const struct stored_event *event, struct arena *arena,
	struct text *out, struct err *err)
{
	struct message_names in;
	struct text template;

	*out = TEXT_NONE;
	if (!names_text(names, event->message, &template, err) ||
		!names_text(names, event->flow, &in.flow, err) ||
		!names_text(names, event->dataset, &in.dataset, err))
		return false;
	if (template.bytes)
		*out = message_unpack(arena, template, &in, event->numbers, event->nnumbers);
	return true;
}
