/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/table.h"
#include "tui/table_state.h"

static void csv_field(struct buf *out, struct text text)
{
	bool quoted = text_contains(text, TEXT("\"")) || text_contains(text, TEXT(",")) ||
		text_contains(text, TEXT("\n")) || text_contains(text, TEXT("\r"));

	if (!quoted) {
		(void)buf_add(out, text);
		return;
	}
	(void)buf_add_char(out, '"');
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
