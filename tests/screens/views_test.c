/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every screen on the sample estate, without a terminal: goldens at two sizes, a sweep over sizes,
 * every action it names, its JSON and CSV. WEIR_UPDATE=1 makes the goldens anew; read the
 * difference before committing it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "store/reader.h"
#include "store/store.h"
#include "tests/lib/sample.h"
#include "tui/table.h"
#include "tui/view.h"
#include "views/common.h"

#define GOLDEN "tests/screens/golden"

/* What each screen is opened on. error: on the newest failed flow's event. */
static const struct screen {
	const char *view, *subject, *subject2;
	int64_t number;
	bool error;
} screens[] = {
	{ "estate", "", "", 0, false },
	{ "pipelines", "", "", 0, false },
	{ "updates", SAMPLE_CDC, "", 0, false },
	{ "flows", "cdcfa104", "", 0, false },
	{ "events", "", "", 0, false },
	{ "event", "", "", 0, true },
	{ "quality", "", "", 0, false },
	{ "rules", "collateral_silver", "", 0, false },
	{ "lag", "", "", 0, false },
	{ "topic", "cdc.shared.07", "", 0, false },
	{ "connectors", "", "", 0, false },
	{ "tables", "", "", 0, false },
	{ "history", SAMPLE_TABLE, "", 0, false },
	{ "version", SAMPLE_TABLE, "", 9, false },
	{ "diff", SAMPLE_TABLE, "2..9", 0, false },
	{ "schema", SAMPLE_TABLE, "", 0, false },
	{ "sources", "", "", 0, false },
	{ "source", "eventlog edge", "", 0, false },
};

struct fixture {
	char folder[64], store[96];
	struct reader *reader;
	struct arena frame;
	struct look look;
	int64_t error_k;
};
static struct fixture fixture;

static int make_store(void **state)
{
	struct event_filter filter = { .least = LEVEL_ERROR, .type = TEXT("flow_progress"), .limit = 1 };
	struct event_rows errors;
	struct err err = ERR_INIT;

	(void)state;
	(void)snprintf(fixture.folder, sizeof(fixture.folder), "/tmp/weir-views.XXXXXX");
	if (!mkdtemp(fixture.folder))
		return -1;
	(void)snprintf(fixture.store, sizeof(fixture.store), "%s/weir.db", fixture.folder);
	fixture.look = (struct look){ .now_ms = SAMPLE_NOW_MS, .utc = true, .arena = &fixture.frame };
	if (!sample_store(fixture.store, &err) || !reader_open(fixture.store, &fixture.reader, &err) ||
		!reader_begin(fixture.reader, READER_NOW, 0, &err) ||
		!events_list(fixture.reader, &fixture.frame, &filter, &errors, &err)) {
		print_error("%s\n", err.text);
		return -1;
	}
	reader_end(fixture.reader);
	fixture.error_k = errors.n ? errors.rows[0].k : 0;
	return fixture.error_k ? 0 : -1;
}

static void remove_store(const char *store)
{
	char path[160];

	for (size_t i = 0; i < 4; i++) {
		static const char *const tails[] = { "", "-wal", "-shm", "-lock" };

		(void)snprintf(path, sizeof(path), "%s%s", store, tails[i]);
		(void)unlink(path);
	}
}

static int tear_down(void **state)
{
	(void)state;
	reader_close(fixture.reader);
	arena_free(&fixture.frame);
	remove_store(fixture.store);
	return rmdir(fixture.folder);
}

static void load(struct view *view)
{
	struct err err = ERR_INIT;

	if (!reader_begin(fixture.reader, READER_NOW, 0, &err) ||
		!view_load(view, fixture.reader, SAMPLE_NOW_MS, &err))
		fail_msg("%s: %s", view->ops->name, err.text);
	reader_end(fixture.reader);
}

static struct view *new_screen(const struct screen *screen)
{
	struct view_arg arg = { .number = screen->error ? fixture.error_k : screen->number };
	const struct view_ops *ops = NULL;
	struct err err = ERR_INIT;
	struct view *view;

	for (size_t i = 0; views[i]; i++) {
		if (strcmp(views[i]->name, screen->view) == 0)
			ops = views[i];
	}
	assert_non_null(ops);
	(void)snprintf(arg.subject, sizeof(arg.subject), "%s", screen->subject);
	(void)snprintf(arg.subject2, sizeof(arg.subject2), "%s", screen->subject2);
	view = view_new(ops, &arg, &fixture.look, &err);
	assert_non_null(view);
	return view;
}

static struct view *open_screen(const struct screen *screen, bool whole)
{
	struct view *view = new_screen(screen);

	view->whole = whole;
	load(view);
	return view;
}

static void draw(struct view *view, int rows, int cols, bool ascii, struct buf *out)
{
	struct canvas canvas;

	canvas_init(&canvas, rows, cols);
	canvas.ascii = ascii;
	view->look.ascii = ascii;
	view->rect = canvas_all(&canvas);
	view->ops->draw(view, &canvas, view->rect);
	if (out)
		canvas_dump_roles(&canvas, out);
	canvas_done(&canvas);
	view->look.ascii = false;
}

static void read_file(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "rb");
	char bytes[4096];
	size_t n;

	while (file && (n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		(void)buf_add_bytes(out, bytes, n);
	if (file)
		(void)fclose(file);
}

static void compare_golden(const char *name, const struct buf *got)
{
	const char *mode = getenv("WEIR_UPDATE");
	char path[128];
	struct buf wanted;

	(void)snprintf(path, sizeof(path), "%s/%s.screen", GOLDEN, name);
	if (mode && strcmp(mode, "1") == 0) {
		FILE *file = fopen(path, "wb");

		assert_non_null(file);
		assert_int_equal(fwrite(got->bytes, 1, got->len, file), got->len);
		assert_int_equal(fclose(file), 0);
		return;
	}
	buf_init(&wanted, 1 << 20);
	read_file(path, &wanted);
	if (wanted.len != got->len || memcmp(wanted.bytes, got->bytes, got->len) != 0) {
		print_error("%s differs; it is now:\n%s", path, got->bytes);
		buf_done(&wanted);
		fail();
	}
	buf_done(&wanted);
}

static void compare_goldens(struct view *view, const char *name)
{
	static const struct {
		int rows, cols;
	} sizes[] = { { 24, 80 }, { 36, 120 } };

	for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
		char golden[64];
		struct buf got;

		(void)snprintf(golden, sizeof(golden), "%s_%dx%d", name, sizes[s].cols, sizes[s].rows);
		buf_init(&got, 1 << 20);
		draw(view, sizes[s].rows, sizes[s].cols, false, &got);
		compare_golden(golden, &got);
		buf_done(&got);
		arena_reset(&fixture.frame);
	}
}

static void screens_look_as_recorded(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
		struct view *view = open_screen(&screens[i], false);

		compare_goldens(view, screens[i].view);
		view_free(view);
	}
}

/* The newest update's commit to the quarantine table of derivative_silver, whose log tells 400 rows. */
static void add_commit(const char *path, int64_t rows)
{
	struct clock clock = clock_fixed(SAMPLE_NOW_MS);
	struct store_options options = { .path = path, .clock = &clock };
	struct fact_batch *batch = fact_batch_new();
	struct store *store = NULL;
	struct err err = ERR_INIT;
	struct fact_version *version;

	batch->source = TEXT("delta lake");
	version = &fact_batch_fact(batch, FACT_VERSION, SAMPLE_NOW_MS)->u.version;
	version->table = TEXT("fire/derivative_quarantine");
	version->path = TEXT("/lake/fire/derivative_quarantine");
	version->version = 1;
	version->timestamp_ms = SAMPLE_NOW_MS;
	version->update_id = TEXT(SAMPLE_FIRE_LAST);
	version->rows_added = rows;
	version->files_removed = 0;
	version->data_change = true;
	if (!sample_store(path, &err) || !store_open(&options, &store, &err) ||
		!store_put(store, &batch, INT64_MAX, &err) || !store_flush(store, INT64_MAX, &err))
		fail_msg("%s", err.text);
	store_close(store);
	fact_batch_free(batch);
}

/* On a wide screen the name of a table is whole before there are further figures. */
static void names_are_whole_where_there_is_room(void **state)
{
	struct reader *whole = fixture.reader;
	char path[128];
	struct canvas canvas;
	struct err err = ERR_INIT;
	struct view *view;
	struct buf text;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/names.db", fixture.folder);
	add_commit(path, 400);
	assert_true(reader_open(path, &fixture.reader, &err));
	view = open_screen(&(struct screen){ "tables", "", "", 0, false }, false);
	for (int cols = 140; cols <= 200; cols++) {
		canvas_init(&canvas, 8, cols); /* the list alone */
		view->rect = canvas_all(&canvas);
		view->ops->draw(view, &canvas, view->rect);
		buf_init(&text, 1 << 16);
		canvas_dump(&canvas, &text);
		if (!strstr(text.bytes, " fire/derivative_quarantine "))
			fail_msg("cut at %d columns", cols);
		buf_done(&text);
		canvas_done(&canvas);
	}
	view_free(view);
	reader_close(fixture.reader);
	fixture.reader = whole;
	remove_store(path);
}

/* Where a quarantine table says how many rows were set aside, the screen says whether that agrees. */
static void quarantine_tables_are_witnesses(void **state)
{
	static const struct {
		const char *name;
		int64_t rows;
	} cases[] = { { "agrees", 400 }, { "differs", 390 } };
	struct reader *whole = fixture.reader;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct screen rules = { "rules", "derivative_silver", "", 0, false };
		char path[128], name[64];
		struct err err = ERR_INIT;
		struct view *view;

		(void)snprintf(path, sizeof(path), "%s/%s.db", fixture.folder, cases[i].name);
		add_commit(path, cases[i].rows);
		assert_true(reader_open(path, &fixture.reader, &err));
		view = open_screen(&(struct screen){ "quality", "", "", 0, false }, false);
		assert_true(table_select_key(view->ops->table(view), TEXT("derivative_silver\n" SAMPLE_FIRE)));
		load(view);
		(void)snprintf(name, sizeof(name), "quality_%s", cases[i].name);
		compare_goldens(view, name);
		view_free(view);
		view = open_screen(&rules, false);
		(void)snprintf(name, sizeof(name), "rules_%s", cases[i].name);
		compare_goldens(view, name);
		view_free(view);
		reader_close(fixture.reader);
		remove_store(path);
	}
	fixture.reader = whole;
}

/* Whatever an update does, the word for it is whole at 80 columns: the next column begins behind it. */
static void words_of_states_are_whole(void **state)
{
	static const char *const with_updates[] = { "estate", "pipelines", "updates" };
	const struct look look = { .arena = &fixture.frame };
	size_t widest = 0;

	(void)state;
	for (int i = 0; i < RUN_STATE_COUNT; i++) {
		struct line line;

		line_init(&line, &fixture.frame);
		line_look(&line, &look, run_state_look((enum run_state)i));
		widest = line_width(&line) > widest ? line_width(&line) : widest;
	}
	for (size_t i = 0; i < ARRAY_LEN(with_updates); i++) {
		struct view *view = open_screen(&(struct screen){ with_updates[i], "", "", 0, false }, false);
		const char *second = view->ops->table(view)->columns[1].title, *at;
		struct canvas canvas;
		struct buf text;

		canvas_init(&canvas, 24, 80);
		view->ops->draw(view, &canvas, canvas_all(&canvas));
		buf_init(&text, 1 << 16);
		canvas_dump(&canvas, &text);
		at = strstr(text.bytes, second);
		assert_non_null(at);
		if ((size_t)(at - text.bytes) < 1 + widest + 1)
			fail_msg("%s: %zu cells are needed before %s", with_updates[i], widest, second);
		buf_done(&text);
		canvas_done(&canvas);
		view_free(view);
		arena_reset(&fixture.frame);
	}
}

/* On a phone columns go, but none is cut to where not even its title can be read. */
static void narrow_lists_have_whole_titles(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
		struct view *view = open_screen(&screens[i], false);
		struct canvas canvas;

		canvas_init(&canvas, 24, 60);
		view->rect = canvas_all(&canvas);
		view->ops->draw(view, &canvas, view->rect);
		for (int row = 0; row < 24; row++) {
			const struct cell *cells = &canvas.cells[row * 60];

			/* a list's head, not a rule's title */
			for (int col = 0; col < 60 && cells[0].role == ROLE_HEADING; col++)
				if (cells[col].bytes[0] == '\xe2')
					fail_msg("%s: a title in row %d is cut", screens[i].view, row);
		}
		canvas_done(&canvas);
		view_free(view);
		arena_reset(&fixture.frame);
	}
}

static void screens_draw_at_every_size(void **state)
{
	static const int heights[] = { 1, 2, 3, 4, 5, 6, 8, 10, 12, 24, 36, 60 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
		struct view *view = open_screen(&screens[i], false);

		for (size_t h = 0; h < ARRAY_LEN(heights); h++) {
			for (int cols = 1; cols <= 200; cols++) {
				draw(view, heights[h], cols, cols % 2, NULL);
				arena_reset(&fixture.frame);
			}
		}
		view_free(view);
	}
}

/* Foreign control bytes are in names, messages and kept input: none may reach a cell or a file. */
static void nothing_drawn_controls_the_terminal(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
		struct view *view = open_screen(&screens[i], false);
		struct buf text;

		buf_init(&text, 1 << 20);
		draw(view, 60, 200, false, &text);
		for (size_t b = 0; b < text.len; b++) {
			unsigned char byte = (unsigned char)text.bytes[b];

			if ((byte < 0x20 && byte != '\n') || byte == 0x7f)
				fail_msg("%s draws byte 0x%02x", screens[i].view, byte);
		}
		assert_true(utf8_is_valid(buf_text(&text)));
		buf_done(&text);
		view_free(view);
		arena_reset(&fixture.frame);
	}
}

static bool opens_another(enum action action)
{
	return action == ACT_OPEN || action == ACT_OPEN_EVENTS || action == ACT_OPEN_SCHEMA ||
		action == ACT_DIFF;
}

static void every_action_named_is_handled(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
		struct view *view = open_screen(&screens[i], false);

		draw(view, 24, 80, false, NULL);
		for (const enum action *action = view->ops->actions; *action != ACT_NONE; action++) {
			enum reply reply;

			if (opens_another(*action))
				continue;
			reply = view->ops->act(view, *action, NULL);
			if (reply == REPLY_IGNORED)
				fail_msg("%s ignores %s", view->ops->name, action_info(*action)->name);
			if (reply == REPLY_STALE)
				load(view);
			draw(view, 24, 80, false, NULL);
			arena_reset(&fixture.frame);
		}
		view_free(view);
	}
}

/* Random walks over what the screen names: no action leaves it in a state it cannot draw. */
static void random_walks_draw(void **state)
{
	uint32_t seed = 20260302;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
		struct view *view = open_screen(&screens[i], false);
		size_t n = 0;

		while (view->ops->actions[n] != ACT_NONE)
			n++;
		for (int step = 0; step < 60; step++) {
			enum action action;

			seed = seed * 1664525u + 1013904223u;
			action = view->ops->actions[(seed >> 8) % n];
			if (opens_another(action))
				continue;
			if (view->ops->act(view, action, NULL) == REPLY_STALE)
				load(view);
			draw(view, 3 + (int)(seed >> 28), 20 + (int)(seed >> 26), false, NULL);
			arena_reset(&fixture.frame);
		}
		view_free(view);
	}
}

static json_t *json_of(const struct screen *screen)
{
	struct view *view = open_screen(screen, true);
	struct err err = ERR_INIT;
	json_error_t wrong;
	struct buf out;
	json_t *root;

	buf_init(&out, 64 << 20);
	if (!view->ops->json(view, &out, &err))
		fail_msg("%s: %s", screen->view, err.text);
	root = json_loadb(out.bytes, out.len, JSON_DISABLE_EOF_CHECK, &wrong);
	if (!root)
		fail_msg("%s --json: line %d: %s", screen->view, wrong.line, wrong.text);
	buf_done(&out);
	view_free(view);
	return root;
}

static void every_screen_has_json_and_lists_have_csv(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
		struct view *view;
		struct buf csv;

		json_decref(json_of(&screens[i]));
		view = open_screen(&screens[i], true);
		buf_init(&csv, 64 << 20);
		if (view->ops->csv) {
			view->ops->csv(view, &csv);
			assert_true(csv.len > 0);
			assert_true(utf8_is_valid(buf_text(&csv)));
			assert_null(memchr(csv.bytes, '\033', csv.len));
		}
		buf_done(&csv);
		view_free(view);
		arena_reset(&fixture.frame);
	}
}

static int64_t number(const json_t *object, const char *key)
{
	assert_true(json_is_integer(json_object_get(object, key)));
	return json_integer_value(json_object_get(object, key));
}

static const json_t *find(const json_t *list, const char *key, const char *value)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		const char *text = json_string_value(json_object_get(item, key));

		if (text && strcmp(text, value) == 0)
			return item;
	}
	fail_msg("no %s %s", key, value);
	return NULL;
}

static void completeness_is_exact_and_from_rows(void **state)
{
	json_t *root = json_of(&(struct screen){ "quality", "", "", 0, false });
	const json_t *datasets = json_object_get(root, "datasets");
	const json_t *row = find(datasets, "dataset", "collateral_silver");

	(void)state;
	assert_int_equal(number(root, "as_of"), SAMPLE_NOW_MS);
	assert_int_equal(number(row, "input"), 100000);
	assert_int_equal(number(row, "published"), 92200);
	assert_int_equal(number(row, "quarantined"), 7800);
	assert_int_equal(number(row, "rule_failures"), 9112);
	assert_true(json_real_value(json_object_get(row, "completeness_pct")) == 92.2);
	row = find(json_object_get(row, "rules"), "name", "[currency_code] not allowed value");
	assert_int_equal(number(row, "passed"), 94860);
	assert_int_equal(number(row, "failed"), 5140);
	assert_int_equal(number(row, "reported_by_batches"), 5);
	assert_string_equal(json_string_value(json_object_get(row, "action")), "drop");
	row = find(datasets, "dataset", "derivative_silver");
	assert_int_equal(number(row, "quarantined"), 400);
	row = find(datasets, "dataset", "security_silver");
	assert_true(json_is_null(json_object_get(row, "completeness_pct")));
	assert_true(json_is_null(json_object_get(row, "input")));
	json_decref(root);
}

static void completeness_words_state_the_overlap(void **state)
{
	struct view *view = open_screen(&(struct screen){ "quality", "", "", 0, false }, false);
	struct canvas canvas;
	struct buf text;

	(void)state;
	canvas_init(&canvas, 40, 120);
	view->ops->draw(view, &canvas, canvas_all(&canvas));
	buf_init(&text, 1 << 20);
	canvas_dump(&canvas, &text);
	assert_non_null(strstr(text.bytes, "dropped 7 800 \xc2\xb7 rule failures 9 112 \xc2\xb7 overlap 1 312"));
	assert_non_null(strstr(text.bytes, "92.2% complete: 92 200 of 100 000 rows published, 7 800 (7.8%)"));
	buf_done(&text);
	canvas_done(&canvas);
	view_free(view);
	arena_reset(&fixture.frame);
}

static void root_cause_is_the_flows_error(void **state)
{
	json_t *root = json_of(&(struct screen){ "estate", "", "", 0, false });
	const json_t *row = json_array_get(json_object_get(root, "pipelines"), 0);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(row, "pipeline")), "hinge_cdc");
	assert_string_equal(json_string_value(json_object_get(row, "failed_flow")), "members_silver");
	assert_string_equal(json_string_value(json_object_get(row, "error_class")),
		"DELTA_SCHEMA_CHANGE");
	assert_int_equal(number(row, "attempts"), 5);
	row = find(json_object_get(root, "pipelines"), "pipeline", "pos_retail");
	assert_true(json_is_true(json_object_get(row, "is_stale")));
	assert_int_equal(number(row, "usual_gap_ms"), 300000);
	json_decref(root);
}

static void versions_come_newest_first_with_objects(void **state)
{
	json_t *root = json_of(&(struct screen){ "history", SAMPLE_TABLE, "", 0, false });
	const json_t *versions = json_object_get(root, "versions");
	const json_t *newest = json_array_get(versions, 0);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(root, "table")), SAMPLE_TABLE);
	assert_int_equal(json_array_size(versions), 12);
	assert_int_equal(number(newest, "version"), 11);
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(newest, "operation_metrics"), "numOutputRows")),
		"4111");
	assert_true(json_is_true(json_object_get(newest, "is_blind_append")));
	assert_true(json_is_null(json_object_get(json_array_get(versions, 11), "read_version")));
	json_decref(root);
}

/* Without a number it is the newest; what is no number is refused and not taken for 0. */
static void versions_are_named_by_number(void **state)
{
	static const struct {
		const char *named;
		int64_t version; /* -1 = refused */
	} cases[] = { { "", 11 }, { "0", 0 }, { "7", 7 }, { "seven", -1 }, { "-1", -1 },
		{ "9223372036854775807", -1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct screen screen = { "version", SAMPLE_TABLE, cases[i].named, 0, false };
		struct view *view = new_screen(&screen);
		struct err err = ERR_INIT;
		json_t *root;

		assert_true(reader_begin(fixture.reader, READER_NOW, 0, &err));
		assert_int_equal(view_load(view, fixture.reader, SAMPLE_NOW_MS, &err),
			cases[i].version >= 0);
		reader_end(fixture.reader);
		view_free(view);
		if (cases[i].version < 0) {
			assert_int_equal(err.kind, ERR_USAGE);
			continue;
		}
		root = json_of(&screen);
		assert_int_equal(number(root, "version"), cases[i].version);
		json_decref(root);
	}
}

static void events_are_one_a_line_and_all(void **state)
{
	struct view *view = open_screen(&(struct screen){ "events", "", "", 0, false }, true);
	struct err err = ERR_INIT;
	size_t lines = 0, events = 0;
	struct buf out;

	(void)state;
	buf_init(&out, 64 << 20);
	assert_true(view->ops->json(view, &out, &err));
	for (size_t i = 0; i < out.len; i++)
		lines += out.bytes[i] == '\n';
	for (int part = 0; part < SAMPLE_PART_COUNT; part++) {
		struct fact_batch *batch = fact_batch_new();

		sample_fill(batch, (enum sample_part)part);
		events += batch->nevents;
		fact_batch_free(batch);
	}
	assert_int_equal(lines, events);
	buf_done(&out);
	view_free(view);
}

static void errors_are_reached_in_order(void **state)
{
	struct view *view = open_screen(&(struct screen){ "events", "", "", 0, false }, false);
	struct subject before = { .id = "" }, at;

	(void)state;
	draw(view, 24, 80, false, NULL);
	for (int i = 0; i < 10; i++) { /* five attempts, each with a flow's and an update's error */
		assert_int_equal(view->ops->act(view, ACT_PREV_ERROR, NULL), REPLY_STALE);
		load(view);
		assert_true(view->ops->subject(view, &at));
		assert_string_not_equal(at.id, before.id);
		before = at;
	}
	assert_int_equal(view->ops->act(view, ACT_PREV_ERROR, NULL), REPLY_STALE);
	load(view);
	assert_true(view->ops->subject(view, &at));
	assert_string_equal(at.id, before.id);
	view_free(view);
	arena_reset(&fixture.frame);
}

static void filter_keeps_events_of_a_type(void **state)
{
	struct view *view = open_screen(&(struct screen){ "events", "", "", 0, false }, true);

	(void)state;
	view->ops->filter(view, TEXT("type:advisory"), false);
	load(view);
	assert_int_equal(table_shown(view->ops->table(view)), 2);
	view->ops->filter(view, TEXT("level:error type:flow_progress"), false);
	load(view);
	assert_int_equal(table_shown(view->ops->table(view)), 5);
	view->ops->filter(view, TEXT(""), false);
	load(view);
	assert_true(table_shown(view->ops->table(view)) > 1000);
	view_free(view);
	arena_reset(&fixture.frame);
}

static void retries_fold_into_one_chain(void **state)
{
	struct view *view = open_screen(&(struct screen){ "updates", SAMPLE_CDC, "", 0, false }, false);
	struct table *table = view->ops->table(view);
	struct subject chain, subject;

	(void)state;
	assert_int_equal(table_shown(table), 7); /* six updates and the chain */
	assert_int_equal(view->ops->act(view, ACT_RIGHT, NULL), REPLY_DONE);
	assert_int_equal(table_shown(table), 11);
	load(view);
	assert_int_equal(table_shown(table), 11);
	assert_int_equal(view->ops->act(view, ACT_LEFT, NULL), REPLY_DONE);
	assert_int_equal(table_shown(table), 7);
	/* Folded from its middle the cursor is on the chain, and the pane below is loaded for it. */
	assert_true(view->ops->subject(view, &chain));
	assert_int_equal(view->ops->act(view, ACT_RIGHT, NULL), REPLY_DONE);
	(void)view->ops->act(view, ACT_DOWN, NULL);
	(void)view->ops->act(view, ACT_DOWN, NULL);
	load(view);
	assert_true(view->ops->subject(view, &subject));
	assert_string_not_equal(subject.id, chain.id);
	assert_int_equal(view->ops->act(view, ACT_LEFT, NULL), REPLY_STALE);
	assert_true(view->ops->subject(view, &subject));
	assert_string_equal(subject.id, chain.id);
	view_free(view);
	arena_reset(&fixture.frame);
}

/* As text 9 comes behind 10 000. */
static void figures_sort_as_figures(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
		struct view *view = open_screen(&screens[i], false);
		const struct table *table = view->ops->table ? view->ops->table(view) : NULL;

		for (size_t c = 0; table && c < table->ncolumns; c++) {
			const struct column *column = &table->columns[c];

			if ((column->flags & COLUMN_RIGHT) && !(column->flags & COLUMN_NO_SORT) &&
				!column->compare)
				fail_msg("%s: %s sorts as text", screens[i].view, column->name);
		}
		view_free(view);
		arena_reset(&fixture.frame);
	}
}

/* A name that nobody has is said to be one: an empty screen would read as good news. */
static void names_nobody_has(void **state)
{
	static const struct {
		const char *view, *subject, *words;
	} cases[] = {
		{ "source", "eventlog egde", "no source 'eventlog egde' has told anything, did you mean 'eventlog edge'" },
		{ "source", "edge", "did you mean 'eventlog edge'" },
		{ "reader", "nobody", "no reader 'nobody' has been seen" },
		{ "rules", "nothing", "no dataset 'nothing' has been seen" },
		{ "history", "nowhere", "no table 'nowhere' in the store" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct screen screen = { cases[i].view, cases[i].subject, "", 0, false };
		struct view *view = new_screen(&screen);
		struct err err = ERR_INIT;

		assert_true(reader_begin(fixture.reader, READER_NOW, 0, &err));
		assert_false(view_load(view, fixture.reader, SAMPLE_NOW_MS, &err));
		assert_int_equal(err.kind, ERR_ABSENT);
		if (!strstr(err.text, cases[i].words))
			fail_msg("%s %s: %s", cases[i].view, cases[i].subject, err.text);
		reader_end(fixture.reader);
		view_free(view);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(screens_look_as_recorded),
		cmocka_unit_test(names_are_whole_where_there_is_room),
		cmocka_unit_test(quarantine_tables_are_witnesses),
		cmocka_unit_test(words_of_states_are_whole),
		cmocka_unit_test(narrow_lists_have_whole_titles),
		cmocka_unit_test(screens_draw_at_every_size),
		cmocka_unit_test(nothing_drawn_controls_the_terminal),
		cmocka_unit_test(every_action_named_is_handled),
		cmocka_unit_test(random_walks_draw),
		cmocka_unit_test(every_screen_has_json_and_lists_have_csv),
		cmocka_unit_test(completeness_is_exact_and_from_rows),
		cmocka_unit_test(completeness_words_state_the_overlap),
		cmocka_unit_test(root_cause_is_the_flows_error),
		cmocka_unit_test(versions_come_newest_first_with_objects),
		cmocka_unit_test(versions_are_named_by_number),
		cmocka_unit_test(events_are_one_a_line_and_all),
		cmocka_unit_test(errors_are_reached_in_order),
		cmocka_unit_test(filter_keeps_events_of_a_type),
		cmocka_unit_test(figures_sort_as_figures),
		cmocka_unit_test(names_nobody_has),
		cmocka_unit_test(retries_fold_into_one_chain),
	};

	return cmocka_run_group_tests(tests, make_store, tear_down);
}
