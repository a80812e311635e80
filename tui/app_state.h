/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_APP_STATE_H
#define TUI_APP_STATE_H

#include "tui/app.h"
#include "tui/prompt.h"
#include "tui/table.h"

/* The inside of struct app, shared by app*.c, command.c and help.c only. */
enum { STACK_MAX = 16, FILTER_MAX = PROMPT_MAX, MESSAGE_MAX = 512, APP_BUDGET_MS = 50,
	CRUMB_MAX = 128 };

struct screen {
	struct view *view;
	char filter[FILTER_MAX];
	bool inverse;
	bool is_loaded;     /* ever */
	char crumb[CRUMB_MAX]; /* what it was opened on, for people; "" = nothing */
};

struct stack {
	struct screen *screens[STACK_MAX];
	size_t n;
};

struct app {
	const struct console_options *console;
	const struct console_data *data;
	struct app_host host;
	struct bindings *bindings;
	struct stack stack, last; /* last: what the number keys left, for `-` */
	struct prompt prompt;
	char filter_before[FILTER_MAX]; /* what Esc in the filter prompt brings back */
	bool inverse_before;
	int64_t as_of_ms;   /* 0 = live */
	int64_t paused_ms;  /* 0 = going on */
	int64_t step_ms;
	int64_t seen_at_ms; /* of the last load */
	int64_t polled_mono_ms, drawn_mono_ms, loaded_mono_ms, counts_mono_ms;
	int64_t load_took_ms;
	bool has_news;      /* somebody wrote, and it is not loaded yet */
	int64_t budget_ms;  /* grows while loads are cut short */
	struct console_counts counts;
	bool utc, ascii, mouse;
	bool is_collected, pasting;
	bool counts_stale;
	bool is_over, is_dirty;
	int loading_key; /* the key whose answer has to be loaded; 0 = none */
	char message[MESSAGE_MAX];
	enum role message_role;
	bool message_is_load; /* it says why a load failed: over once one succeeds */
	struct arena frame;
};

struct screen *app_top(const struct app *app);
int64_t app_now(const struct app *app); /* the moment the screen speaks of */
const char *app_key_name(const struct app *app, enum action action); /* else its :command */
void app_stale(struct app *app);        /* the top loads again */
void app_all_stale(struct app *app);    /* every screen, and the header */
void app_poll(struct app *app);         /* has anybody written? does anybody collect? */
void app_look_for_load(struct app *app, struct view *view);
void app_set_as_of(struct app *app, int64_t as_of_ms);
void app_step(struct app *app, bool forward);
void app_pause(struct app *app);
void app_act(struct app *app, enum action action);
/* The filter as typed: a leading ! turns it round. Applies it to the top. */
void app_set_filter(struct app *app, struct text typed);
/* A number key or :name: the screen becomes the only one, the stack before it is kept for `-`. */
bool app_switch(struct app *app, const char *view_name, const struct view_arg *arg, struct err *err);
const struct view_ops *app_find_view(const struct app *app, struct text name);
void app_error(struct app *app, const struct err *err);
/* Clears the filter, else closes the screen on top; the first one stays. */
void app_back(struct app *app);
void app_last_view(struct app *app); /* to the stack before, and from there back again */
void stack_free(struct stack *stack);
/* Writes the screen to a file; the name's ending says the form: .csv, .json, else text. */
bool app_write(struct app *app, struct text path, struct err *err);
/* Puts the help screen on top. */
void app_help(struct app *app);

/* command.c */
void command_run(struct app *app, struct text line);
struct text command_candidate(void *context, struct text line, size_t *from_out, size_t n);
/* What `:` and `:set` know; false past the last. */
bool command_at(size_t index, const char **name_out, const char **help_out);
bool setting_at(size_t index, const char **name_out, const char **help_out);

/* help.c */
extern const struct view_ops help_view;
void help_set(struct view *view, const struct app *app, struct screen *of);

#endif
