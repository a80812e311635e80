/* SPDX-License-Identifier: Apache-2.0 */
/* The app with a screen and a store of the test's own: loading, failing, time, leaving. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tui/app.h"

#define NOON INT64_C(1772452800000)

struct fake { /* the store */
	struct clock clock;
	struct console_options console;
	struct bindings *bindings;
	struct app *app;
	struct canvas canvas;
	struct buf shown;
	int loads, fails;
	enum err_kind fail_kind;
	int64_t as_of_ms, budget_ms;
	bool changed, collecting, mouse, filter_valid;
	size_t filter_len;
};

static struct fake *fake; /* what the screen loads from; a view knows no context */

static bool plain_load(struct view *view, struct reader *reader, struct err *err)
{
	int *n = view->state;

	(void)reader;
	fake->loads++;
	if (fake->fails > 0) {
		fake->fails--;
		return err_set(err, fake->fail_kind, 0, "the disk is gone");
	}
	*n = fake->loads;
	return true;
}

static void plain_draw(const struct view *view, struct canvas *canvas, struct rect rect)
{
	const int *n = view->state;

	canvas_putf(canvas, rect.row, rect.col, rect.cols, ROLE_TEXT, "load %d", *n);
}

static void plain_filter(struct view *view, struct text filter, bool inverse)
{
	(void)view;
	(void)inverse;
	fake->filter_valid = utf8_is_valid(filter);
	fake->filter_len = filter.len;
}

static const struct view_ops first = { .name = "first", .title = "first", .about = "a",
	.state_size = sizeof(int), .load = plain_load, .draw = plain_draw, .filter = plain_filter };
static const struct view_ops second = { .name = "second", .title = "second", .about = "b",
	.state_size = sizeof(int), .load = plain_load, .draw = plain_draw };
static const struct view_ops *const both[] = { &first, &second, NULL };

static bool begin(void *context, int64_t as_of_ms, int64_t budget_ms, struct reader **reader_out,
	struct err *err)
{
	struct fake *self = context;

	(void)err;
	self->as_of_ms = as_of_ms;
	self->budget_ms = budget_ms;
	*reader_out = NULL;
	return true;
}

static void end(void *context)
{
	(void)context;
}

static bool changed(void *context)
{
	struct fake *self = context;
	bool was = self->changed;

	self->changed = false;
	return was;
}

static int64_t seen_at(void *context)
{
	(void)context;
	return NOON - 4000;
}

static bool collecting(void *context)
{
	return ((struct fake *)context)->collecting;
}

static void set_mouse(void *context, bool on)
{
	((struct fake *)context)->mouse = on;
}

static int set_up(void **state)
{
	struct app_options options;
	struct err err = ERR_INIT;

	fake = NEW(struct fake);
	fake->clock = clock_fixed(NOON);
	fake->collecting = true;
	fake->console = (struct console_options){ .data = { .context = fake, .begin = begin, .end = end,
			.changed = changed, .seen_at = seen_at, .collecting = collecting },
		.clock = &fake->clock, .store_name = "test", .utc = true, .views = both };
	fake->bindings = bindings_new();
	options = (struct app_options){ .console = &fake->console, .bindings = fake->bindings,
		.host = { .context = fake, .set_mouse = set_mouse } };
	fake->app = app_new(&options);
	canvas_init(&fake->canvas, 10, 80);
	buf_init(&fake->shown, 1 << 16);
	*state = fake;
	return app_start(fake->app, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	app_free(fake->app);
	bindings_free(fake->bindings);
	canvas_done(&fake->canvas);
	buf_done(&fake->shown);
	FREE(&fake);
	return 0;
}

static const char *shown(void)
{
	app_draw(fake->app, &fake->canvas);
	buf_reset(&fake->shown);
	canvas_dump(&fake->canvas, &fake->shown);
	return fake->shown.bytes;
}

static void press(const char *keys)
{
	for (; *keys; keys++)
		app_key(fake->app, *keys);
	app_tick(fake->app);
}

static void pass(int64_t ms)
{
	fake->clock.fixed_ms += ms;
	app_tick(fake->app);
}

static void loads_only_when_something_changed(void **state)
{
	(void)state;
	app_tick(fake->app);
	assert_int_equal(fake->loads, 1);
	assert_non_null(strstr(shown(), "load 1"));
	assert_false(app_is_dirty(fake->app));
	for (int i = 0; i < 8; i++)
		pass(250);
	assert_int_equal(fake->loads, 1);
	assert_false(app_is_dirty(fake->app));
	fake->changed = true;
	pass(100); /* too early to ask again */
	assert_int_equal(fake->loads, 1);
	pass(200);
	assert_int_equal(fake->loads, 2);
	assert_true(app_is_dirty(fake->app));
	assert_true(app_timeout_ms(fake->app) == 250);
}

static void a_failed_load_keeps_what_was_there(void **state)
{
	(void)state;
	app_tick(fake->app);
	fake->fails = 1;
	fake->fail_kind = ERR_STORE;
	fake->changed = true;
	pass(300);
	assert_int_equal(fake->loads, 2);
	assert_non_null(strstr(shown(), "load 1"));
	assert_non_null(strstr(shown(), "the disk is gone"));
	assert_non_null(strstr(shown(), "not loaded"));
	press("r");
	assert_non_null(strstr(shown(), "load 3"));
	assert_null(strstr(shown(), "not loaded"));
}

/* The line below would go on telling of trouble that is over. */
static void a_good_load_takes_its_error_away(void **state)
{
	(void)state;
	app_tick(fake->app);
	fake->fails = 1;
	fake->fail_kind = ERR_STORE;
	fake->changed = true;
	pass(300);
	assert_non_null(strstr(shown(), "the disk is gone"));
	fake->changed = true;
	pass(300);
	assert_non_null(strstr(shown(), "load 3"));
	assert_null(strstr(shown(), "the disk is gone"));
}

static void a_load_cut_short_gets_more_time(void **state)
{
	(void)state;
	app_tick(fake->app);
	assert_int_equal(fake->budget_ms, 1000); /* there was nothing on screen yet */
	fake->fails = 2;
	fake->fail_kind = ERR_LIMIT;
	press("r");
	assert_int_equal(fake->budget_ms, 50);
	assert_true(app_is_stale(fake->app));
	assert_non_null(strstr(shown(), "load 1"));
	app_tick(fake->app);
	assert_int_equal(fake->budget_ms, 200);
	app_tick(fake->app);
	assert_int_equal(fake->budget_ms, 800);
	assert_false(app_is_stale(fake->app));
	assert_non_null(strstr(shown(), "load 4"));
	press("r");
	assert_int_equal(fake->budget_ms, 50);
}

static void time_is_stepped_and_comes_back(void **state)
{
	(void)state;
	app_tick(fake->app);
	assert_int_equal(fake->as_of_ms, 0);
	press("<");
	assert_int_equal(fake->as_of_ms, NOON - 600000);
	assert_non_null(strstr(shown(), "as of 02 Mar 11:50:00Z"));
	press("<");
	assert_int_equal(fake->as_of_ms, NOON - 1200000);
	press(">>"); /* the second reaches the present */
	assert_int_equal(fake->as_of_ms, 0);
	press("@2h\r");
	assert_int_equal(fake->as_of_ms, NOON - 7200000);
	fake->changed = true; /* the past does not change */
	pass(300);
	assert_int_equal(fake->as_of_ms, NOON - 7200000);
	press(".");
	assert_int_equal(fake->as_of_ms, 0);
	assert_non_null(strstr(shown(), "live 11:59:56Z"));
}

static void pause_holds_the_numbers(void **state)
{
	(void)state;
	app_tick(fake->app);
	press("p");
	assert_non_null(strstr(shown(), "paused 12:00:00Z"));
	fake->changed = true;
	pass(1000);
	assert_int_equal(fake->loads, 1);
	press("p");
	assert_int_equal(fake->loads, 2);
}

static void says_when_nobody_collects(void **state)
{
	(void)state;
	app_tick(fake->app);
	fake->collecting = false;
	pass(300);
	assert_non_null(strstr(shown(), "collector stopped, numbers 4s old"));
	fake->collecting = true;
	pass(300);
	assert_non_null(strstr(shown(), "live"));
	pass(200000);
	assert_non_null(strstr(shown(), "numbers 3m old"));
}

static void screens_come_back_as_they_were(void **state)
{
	(void)state;
	app_tick(fake->app);
	press("/abc\r");
	assert_non_null(strstr(shown(), "/abc"));
	press(":second\r");
	assert_string_equal(app_view(fake->app)->ops->name, "second");
	assert_null(strstr(shown(), "/abc"));
	press("-");
	assert_string_equal(app_view(fake->app)->ops->name, "first");
	assert_non_null(strstr(shown(), "/abc"));
	press("\033");
	assert_null(strstr(shown(), "/abc"));
	press("?");
	assert_string_equal(app_view(fake->app)->ops->name, "help");
	press("q");
	assert_string_equal(app_view(fake->app)->ops->name, "first");
	assert_false(app_is_over(fake->app));
	press("q");
	assert_true(app_is_over(fake->app));
}

static void a_wrong_command_names_the_nearest(void **state)
{
	(void)state;
	app_tick(fake->app);
	press(":secnd\r");
	assert_non_null(strstr(app_said(fake->app), "did you mean second"));
	press(":set thme dark\r");
	assert_non_null(strstr(app_said(fake->app), "did you mean theme"));
	press(":sec\t\r");
	assert_string_equal(app_view(fake->app)->ops->name, "second");
}

static void a_paste_acts_nowhere(void **state)
{
	(void)state;
	app_key(fake->app, KEY_PASTE_BEGIN_);
	press("q:q\r");
	app_key(fake->app, KEY_PASTE_END_);
	assert_false(app_is_over(fake->app));
	press("q");
	assert_true(app_is_over(fake->app));
}

/* As every other setting does. */
static void the_mouse_without_a_word_is_turned_round(void **state)
{
	(void)state;
	press(":set mouse\r");
	assert_true(fake->mouse);
	press(":set mouse\r");
	assert_false(fake->mouse);
	press(":set mouse on\r:set mouse on\r");
	assert_true(fake->mouse);
	press(":set mouse off\r");
	assert_false(fake->mouse);
}

/* What stands in the prompt is what filters: all of it, and no half of a character. */
static void a_long_filter_is_whole(void **state)
{
	(void)state;
	press("/");
	for (int i = 0; i < 200; i++)
		app_key(fake->app, 0xe9);
	app_tick(fake->app);
	assert_true(fake->filter_valid);
	assert_int_equal(fake->filter_len, 400);
	press("\r/\r");
	assert_int_equal(fake->filter_len, 400);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(loads_only_when_something_changed),
		CASE(a_failed_load_keeps_what_was_there),
		CASE(a_good_load_takes_its_error_away),
		CASE(a_load_cut_short_gets_more_time),
		CASE(time_is_stepped_and_comes_back),
		CASE(pause_holds_the_numbers),
		CASE(says_when_nobody_collects),
		CASE(screens_come_back_as_they_were),
		CASE(a_wrong_command_names_the_nearest),
		CASE(a_paste_acts_nowhere),
		CASE(the_mouse_without_a_word_is_turned_round),
		CASE(a_long_filter_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
