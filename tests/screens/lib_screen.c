/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/screens/lib_screen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/reader.h"
#include "base/utf8.h"
#include "tests/lib/sample.h"
#include "tui/action.h"

enum { FILE_MAX = 4 << 20, TICKS_MAX = 100 };

static char folder[] = "/tmp/weir-screens.XXXXXX";
static char store[64];

bool screen_store_init(struct err *err)
{
	if (!mkdtemp(folder))
		return err_errno(err, errno, "make %s", folder);
	(void)snprintf(store, sizeof store, "%s/sample.db", folder);
	return sample_store(store, err);
}

void screen_store_use(const char *path)
{
	(void)snprintf(store, sizeof store, "%s", path);
}

void screen_store_done(void)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-lock", ".lock" };
	char path[96];

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		(void)snprintf(path, sizeof path, "%s%s", store, ends[i]);
		(void)unlink(path);
	}
	(void)rmdir(folder);
}

static bool begin(void *context, int64_t as_of_ms, int64_t budget_ms, struct reader **reader_out,
	struct err *err)
{
	struct screen_run *run = context;

	(void)budget_ms; /* a slow machine must not change what is shown */
	*reader_out = run->reader;
	return reader_begin(run->reader, as_of_ms, 0, err);
}

static void end(void *context)
{
	struct screen_run *run = context;

	reader_end(run->reader);
}

static int64_t seen_at(void *context)
{
	struct screen_run *run = context;

	return reader_seen_at(run->reader);
}

static bool copy(void *context, struct text clean)
{
	struct screen_run *run = context;

	(void)snprintf(run->copied, sizeof run->copied, "%.*s", TEXT_ARG(clean));
	return true;
}

bool screen_open(struct screen_run *run, const char *view, const struct view_arg *arg,
	struct err *err)
{
	struct app_options options;

	*run = (struct screen_run){ .clock = clock_fixed(SAMPLE_NOW_MS) };
	if (!reader_open(store, &run->reader, err))
		return false;
	run->bindings = bindings_new();
	run->options = (struct console_options){
		.data = { .context = run, .begin = begin, .end = end, .seen_at = seen_at },
		.clock = &run->clock, .store_name = "sample", .view = view, .utc = true,
		.views = views };
	if (arg)
		run->options.arg = *arg;
	options = (struct app_options){ .console = &run->options, .bindings = run->bindings,
		.host = { .context = run, .copy = copy } };
	run->app = app_new(&options);
	canvas_init(&run->canvas, 24, 80);
	if (app_start(run->app, err))
		return true;
	screen_close(run);
	return false;
}

void screen_close(struct screen_run *run)
{
	app_free(run->app);
	canvas_done(&run->canvas);
	bindings_free(run->bindings);
	reader_close(run->reader);
}

void screen_size(struct screen_run *run, int rows, int cols)
{
	canvas_resize(&run->canvas, rows, cols);
}

void screen_walk(struct screen_run *run, uint64_t seed, int steps)
{
	for (int n = 0; n < steps && !app_is_over(run->app); n++) {
		struct err err = ERR_INIT;
		enum action action;
		struct text rest;
		int key = 27;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		action = (enum action)(1 + (seed >> 33) % (ACT_COUNT - 1));
		if (action == ACT_QUIT || action == ACT_EXPORT)
			continue;
		rest = text_of(action_info(action)->keys);
		if (!key_parse(&rest, &key, &err))
			abort();
		screen_key(run, key);
		if (action == ACT_COMMAND || action == ACT_FILTER || action == ACT_AS_OF)
			screen_key(run, 27);
	}
}

void screen_draw(struct screen_run *run)
{
	for (int i = 0; i < TICKS_MAX && app_is_stale(run->app); i++)
		app_tick(run->app);
	app_draw(run->app, &run->canvas);
}

void screen_key(struct screen_run *run, int key)
{
	app_key(run->app, key);
	/* Drawn each time: paging goes by the rows of the last frame. */
	screen_draw(run);
}

static void type(struct screen_run *run, struct text text)
{
	size_t at = 0;

	while (at < text.len)
		screen_key(run, (int)utf8_next(text, at, &at));
}

bool screen_keys(struct screen_run *run, struct text keys, struct err *err)
{
	screen_draw(run);
	for (;;) {
		int key;

		keys = text_trim(keys);
		if (keys.len == 0)
			return true;
		if (keys.bytes[0] == '"') {
			struct text part;

			keys = text_sub(keys, 1, keys.len);
			(void)text_split(&keys, '"', &part);
			type(run, part);
			continue;
		}
		if (!key_parse(&keys, &key, err))
			return false;
		screen_key(run, key);
	}
}

void screen_dump(struct screen_run *run, struct buf *out)
{
	screen_draw(run);
	if (run->plain)
		canvas_dump(&run->canvas, out);
	else
		canvas_dump_roles(&run->canvas, out);
}

static bool read_file(const char *path, struct buf *out, struct err *err)
{
	FILE *file = fopen(path, "r");
	char bytes[4096];
	size_t n;

	if (!file)
		return err_errno(err, errno, "read %s", path);
	while ((n = fread(bytes, 1, sizeof bytes, file)) > 0)
		(void)buf_add_bytes(out, bytes, n);
	(void)fclose(file);
	return true;
}

static bool write_file(const char *path, struct text text, struct err *err)
{
	FILE *file = fopen(path, "w");
	bool good;

	if (!file)
		return err_errno(err, errno, "write %s", path);
	good = fwrite(text.bytes, 1, text.len, file) == text.len;
	good = fclose(file) == 0 && good;
	return good ? true : err_errno(err, errno, "write %s", path);
}

static void print_difference(struct text wanted, struct text got)
{
	struct text left, right;
	int line = 0;

	for (;;) {
		bool more_left = text_split(&wanted, '\n', &left);
		bool more_right = text_split(&got, '\n', &right);

		if (!more_left && !more_right)
			return;
		line++;
		if (more_left && more_right && text_eq(left, right))
			continue;
		if (more_left)
			(void)printf("%3d -%.*s\n", line, TEXT_ARG(left));
		if (more_right)
			(void)printf("%3d +%.*s\n", line, TEXT_ARG(right));
	}
}

static bool expect(struct screen_run *run, struct text name, struct err *err)
{
	struct buf got, wanted;
	char path[256];
	bool good;

	(void)snprintf(path, sizeof path, "tests/screens/%.*s.screen", TEXT_ARG(name));
	buf_init(&got, FILE_MAX);
	buf_init(&wanted, FILE_MAX);
	screen_dump(run, &got);
	if (getenv("WEIR_UPDATE")) {
		good = write_file(path, buf_text(&got), err);
	} else {
		good = read_file(path, &wanted, err);
		if (good && !text_eq(buf_text(&got), buf_text(&wanted))) {
			(void)printf("%s: - is expected, + is there\n", path);
			print_difference(buf_text(&wanted), buf_text(&got));
			good = err_set(err, ERR_FORMAT, 0,
				"%s differs; make screens-update if that is meant", path);
		}
	}
	buf_done(&got);
	buf_done(&wanted);
	return good;
}

static bool step(struct screen_run *run, struct text line, struct err *err)
{
	struct text word, number;
	int64_t rows, cols;

	line = text_trim(line);
	if (line.len == 0 || line.bytes[0] == '#')
		return true;
	(void)text_split(&line, ' ', &word);
	if (text_is(word, "size")) {
		if (!text_split(&line, ' ', &number) || !text_to_i64(number, &rows) ||
			!text_to_i64(text_trim(line), &cols))
			return err_set(err, ERR_FORMAT, 0, "size ROWS COLS");
		screen_size(run, (int)rows, (int)cols);
		return true;
	}
	if (text_is(word, "keys"))
		return screen_keys(run, line, err);
	if (text_is(word, "expect"))
		return expect(run, text_trim(line), err);
	if (text_is(word, "plain")) {
		run->plain = true;
		return true;
	}
	return err_set(err, ERR_FORMAT, 0, "unknown step \"%.*s\"", TEXT_ARG(word));
}

bool screen_steps(const char *path, struct err *err)
{
	struct screen_run run;
	struct buf steps;
	struct text rest, line;
	int number = 0;
	bool good;

	buf_init(&steps, FILE_MAX);
	good = read_file(path, &steps, err);
	if (good && !screen_open(&run, NULL, NULL, err)) {
		buf_done(&steps);
		return false;
	}
	rest = buf_text(&steps);
	while (good && text_split(&rest, '\n', &line)) {
		number++;
		good = step(&run, line, err);
		if (!good)
			(void)err_wrap(err, "%s:%d", path, number);
	}
	if (number > 0)
		screen_close(&run);
	buf_done(&steps);
	return good;
}
