/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tui/table.h"
#include "tui/table_state.h"

/* -5 and -0.25 are what they look like, in a spreadsheet, too. */
static bool is_negative_number(struct text text)
{
	size_t digits = 0, points = 0;

	for (size_t i = 1; i < text.len; i++) {
		digits += text.bytes[i] >= '0' && text.bytes[i] <= '9';
		points += text.bytes[i] == '.';
	}
	return text.len > 1 && text.bytes[0] == '-' && digits > 0 && points <= 1 &&
		digits + points + 1 == text.len;
}

/* Spreadsheets run what begins like this, and foreign text may. A quote before it makes it text. */
static bool is_formula(struct text text)
{
	return text.len > 0 && memchr("=+-@\t\r", text.bytes[0], 6) && !is_negative_number(text);
}

static void csv_field(struct buf *out, struct text text)
{
	bool quoted = text_contains(text, TEXT("\"")) || text_contains(text, TEXT(",")) ||
		text_contains(text, TEXT("\n")) || text_contains(text, TEXT("\r"));
	const char *lead = is_formula(text) ? "'" : "";

	if (!quoted) {
		(void)buf_add_str(out, lead);
		(void)buf_add(out, text);
		return;
	}
	(void)buf_add_char(out, '"');
	(void)buf_add_str(out, lead);
	for (size_t i = 0; i < text.len; i++) {
		if (text.bytes[i] == '"')
			(void)buf_add_char(out, '"');
		(void)buf_add_char(out, text.bytes[i]);
	}
	(void)buf_add_char(out, '"');
}

void table_csv(const struct table *table, const struct look *look, struct buf *out)
{
	struct arena arena = { 0 };
	struct look raw = *look;
	const char *comma = "";

	raw.raw = true;
	raw.arena = &arena;
	for (size_t c = 0; c < table_ncolumns(table); c++) {
		if (table->columns[c].flags & COLUMN_NO_EXPORT)
			continue;
		(void)buf_add_str(out, comma); /* whether out is full, its owner asks */
		csv_field(out, text_of(table->columns[c].name));
		comma = ",";
	}
	(void)buf_add_str(out, "\r\n");
	for (size_t i = 0; i < table->state->shown && !out->full; i++) {
		comma = "";
		for (size_t c = 0; c < table_ncolumns(table); c++) {
			struct line line;

			if (table->columns[c].flags & COLUMN_NO_EXPORT)
				continue;
			line_init(&line, &arena);
			table->columns[c].format(table_row(table, i), &raw, &line);
			(void)buf_add_str(out, comma);
			csv_field(out, text_trim(line_text(&line)));
			comma = ",";
		}
		(void)buf_add_str(out, "\r\n");
		arena_reset(&arena);
	}
	arena_free(&arena);
}
