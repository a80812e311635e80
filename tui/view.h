/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_VIEW_H
#define TUI_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "tui/action.h"
#include "tui/line.h"

/*
 * What a screen is: a const table of functions and a state the app allocates. load is the only
 * place that reads the store; draw is const, reads no clock, no global, no disk, and works at any
 * size from 1x1; act gets meanings, never key codes. All state is in the instance, so two of a
 * kind can be open. UI thread. struct reader is only a name here.
 */
struct reader;
struct app;
struct view;
struct table;

enum { VIEW_ARG_MAX = 1024 };

/* What a screen is opened on: "" for all. Copied by the app. */
struct view_arg {
	char subject[VIEW_ARG_MAX];  /* pipeline, update, table, source ... */
	char subject2[VIEW_ARG_MAX]; /* events: update within the pipeline; version ... */
	int64_t number;              /* event key k, version; 0 = none */
	char label[VIEW_ARG_MAX];    /* what crumbs call it; "" = subject */
};

/* What is selected: for copy, crumbs and opening other screens on it. */
struct subject {
	char kind[16]; /* "pipeline", "update", "flow", "dataset", "table", "version", "event", ... */
	char name[VIEW_ARG_MAX]; /* for people */
	char id[VIEW_ARG_MAX];   /* for queries */
};

struct view_ops {
	const char *name;    /* ":quality", `weir quality` */
	const char *title;   /* for crumbs */
	const char *about;   /* one sentence for help and man page */
	const char *arg;     /* "TABLE|PATH" for usage; NULL = takes none */
	bool arg_required;
	size_t state_size;   /* bytes, zeroed before open */
	const enum action *actions; /* what works here, in footer order; ends ACT_NONE */
	bool (*open)(struct view *view, struct err *err); /* view->arg is set */
	bool (*load)(struct view *view, struct reader *reader, struct err *err);
	void (*draw)(const struct view *view, struct canvas *canvas, struct rect rect);
	enum reply (*act)(struct view *view, enum action action, struct app *app);
	bool (*subject)(const struct view *view, struct subject *out);
	/* Rows to draw for --print: as many as there are, 0 = what fits. May be NULL. */
	int (*print_rows)(const struct view *view);
	/* One JSON document, or one object a line, by the contract in the man page. */
	bool (*json)(const struct view *view, struct buf *out, struct err *err);
	void (*csv)(const struct view *view, struct buf *out); /* NULL = --csv is refused */
	/* The filter line changed; NULL = the screen has none. */
	void (*filter)(struct view *view, struct text filter, bool inverse);
	/* The list that has the focus: for :sort and for help's columns. NULL = none. */
	struct table *(*table)(struct view *view);
	void (*close)(struct view *view);
};

struct view {
	const struct view_ops *ops;
	void *state;
	struct view_arg arg;
	struct look look;        /* set by the app before load, draw, json, csv */
	struct arena arena;      /* what the last good load made; the app swaps it */
	struct rect rect;        /* of the last draw, for paging */
	int64_t loaded_at_ms;    /* wall; TIME_UNKNOWN = never */
	struct err load_err;     /* of the last load; the old data stays on screen, marked stale */
	bool is_stale;
	bool whole;              /* for --json and --csv: load all there is, not a screenful */
};

/* A view of its own on arg: opened, nothing loaded yet. NULL: err is set. */
struct view *view_new(const struct view_ops *ops, const struct view_arg *arg, const struct look *look,
	struct err *err);
/*
 * Loads into a fresh arena. False: what was loaded before is still there, load_err says why. The
 * look's arena must live as long as what is loaded.
 */
bool view_load(struct view *view, struct reader *reader, int64_t now_ms, struct err *err);
void view_free(struct view *view); /* NULL is allowed */

/* The registry, NULL-terminated: views/views.c. */
extern const struct view_ops *const views[];

/* What views may ask of the app. */
void app_open(struct app *app, const char *view_name, const struct view_arg *arg);
void app_message(struct app *app, enum role role, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
struct look app_look(const struct app *app);
/* The filter the user typed is kept per view by the app and given through ops->filter. */

#endif
