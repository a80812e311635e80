/* SPDX-License-Identifier: Apache-2.0 */
#include "views/jsontree.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

enum { NODES_MAX = 20000, DEPTH_MAX = 48, OPEN_DEPTH = 3, INDENT = 2, VALUE_MAX_BYTES = 64 << 10 };

static struct text clean_text(struct arena *arena, struct text dirty)
{
	struct buf clean;
	struct text text;

	buf_init(&clean, VALUE_MAX_BYTES);
	(void)utf8_clean(&clean, dirty, UTF8_ONE_LINE); /* a longer value is cut on screen only */
	text = arena_text(arena, buf_text(&clean));
	buf_done(&clean);
	return text;
}

static struct json_node *node_add(struct json_tree *tree, struct arena *arena)
{
	if (tree->n == NODES_MAX) {
		tree->cut = true;
		return NULL;
	}
	if (tree->n == tree->room) {
		size_t room = tree->room ? 2 * tree->room : 64;
		struct json_node *nodes = ARENA_ARRAY(arena, struct json_node, room);

		if (tree->n)
			memcpy(nodes, tree->nodes, tree->n * sizeof(*nodes));
		tree->nodes = nodes;
		tree->room = room;
	}
	return &tree->nodes[tree->n++];
}

static struct text leaf_text(struct arena *arena, const json_t *value)
{
	struct text text;
	char *dumped;

	if (json_is_string(value))
		return clean_text(arena,
			(struct text){ json_string_value(value), json_string_length(value) });
	dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	text = clean_text(arena, text_of(dumped));
	free(dumped);
	return text;
}

/* Depth is bounded, so that foreign nesting cannot exhaust the stack. */
static void add_value(struct json_tree *tree, struct arena *arena, struct text key, json_t *value,
	int depth)
{
	size_t count = json_is_array(value) ? json_array_size(value) : json_object_size(value);
	bool container = count > 0 && depth < DEPTH_MAX;
	struct json_node *node = node_add(tree, arena);
	size_t index = tree->n - 1, i;
	const char *name;
	json_t *item;

	if (!node)
		return;
	node->key = clean_text(arena, key);
	node->depth = depth;
	node->container = container;
	node->is_text = json_is_string(value);
	node->value = !container ? leaf_text(arena, value)
		: json_is_array(value)
		? text_of(arena_printf(arena, "[%zu]", count))
		: text_of(arena_printf(arena, "{%zu}", count));
	if (container && json_is_array(value)) {
		json_array_foreach(value, i, item) {
			add_value(tree, arena, text_of(arena_printf(arena, "%zu", i)), item, depth + 1);
		}
	} else if (container) {
		json_object_foreach(value, name, item) {
			add_value(tree, arena, text_of(name), item, depth + 1);
		}
	}
	tree->nodes[index].end = tree->n;
}

static void fold_anew(struct json_tree *tree)
{
	free(tree->folded);
	tree->folded = mem_zero(tree->n + 1, 1);
	tree->nfolded = tree->n;
	tree->cursor = 0;
	for (size_t i = 0; i < tree->n; i++)
		tree->folded[i] = tree->nodes[i].container && tree->nodes[i].depth >= OPEN_DEPTH;
}

void json_tree_load(struct json_tree *tree, struct arena *arena, struct text json)
{
	uint64_t hash = text_hash(json);
	json_error_t ignored; /* what is no JSON is shown as it is */
	json_t *root = json.len ? json_loadb(json.bytes, json.len, JSON_DECODE_ANY, &ignored) : NULL;
	struct json_node *node;

	tree->nodes = NULL;
	tree->n = 0;
	tree->room = 0;
	tree->cut = false;
	if (json_is_object(root)) {
		const char *name;
		json_t *item;

		/* The braces of the whole say nothing: its keys stand at the left edge. */
		json_object_foreach(root, name, item) {
			add_value(tree, arena, text_of(name), item, 0);
		}
	} else if (root) {
		add_value(tree, arena, TEXT_NONE, root, 0);
	} else if (json.len) {
		node = node_add(tree, arena);
		node->value = clean_text(arena, json);
		node->end = 1;
	}
	json_decref(root);
	if (tree->nfolded != tree->n || tree->hash != hash || !tree->folded)
		fold_anew(tree);
	tree->hash = hash;
}

void json_tree_done(struct json_tree *tree)
{
	FREE(&tree->folded);
}

static size_t node_next(const struct json_tree *tree, size_t i)
{
	return tree->folded[i] ? tree->nodes[i].end : i + 1;
}

static size_t node_prev(const struct json_tree *tree, size_t i)
{
	size_t at = 0, prev = 0;

	while (at < i) {
		prev = at;
		at = node_next(tree, at);
	}
	return prev;
}

/* Where the value begins, in cells from the left edge. */
static int value_col(const struct json_node *node)
{
	return node->depth * INDENT + 2 + (node->key.len ? (int)utf8_width(node->key) + 2 : 0);
}

static int node_height(const struct json_node *node, int cols)
{
	int col = value_col(node);
	int width = cols - col;

	struct text rest = node->value;
	int rows = 0;

	if (node->container || width < 8)
		return 1;
	/* A wide character that does not fit goes to the next row. */
	do {
		size_t used;
		struct text head = utf8_head(rest, (size_t)width, &used);

		rest = text_sub(rest, head.len, rest.len);
		rows++;
	} while (rest.len > 0);
	return rows;
}

static void node_draw(const struct json_tree *tree, size_t i, struct canvas *canvas,
	struct rect rect, int at, const struct look *look)
{
	const struct json_node *node = &tree->nodes[i];
	int col = node->depth * INDENT;
	int height = node_height(node, rect.cols);
	enum role role = node->container ? ROLE_DIM : node->is_text ? ROLE_JSON_TEXT : ROLE_NUMBER;
	struct text rest = node->value;

	if (at >= 0) {
		if (node->container)
			(void)canvas_put(canvas, rect.row + at, rect.col + col, rect.cols - col, ROLE_DIM,
				glyph_text(look, tree->folded[i] ? GLYPH_FOLDED : GLYPH_OPEN));
		if (node->key.len)
			(void)canvas_putf(canvas, rect.row + at, rect.col + col + 2, rect.cols - col - 2,
				ROLE_JSON_KEY, "%.*s:", TEXT_ARG(node->key));
	}
	col = value_col(node);
	for (int line = 0; line < height && at + line < rect.rows; line++) {
		size_t used;
		struct text head = rest;

		if (line + 1 < height)
			head = utf8_head(rest, (size_t)(rect.cols - col), &used);
		if (at + line >= 0)
			(void)canvas_put(canvas, rect.row + at + line, rect.col + col, rect.cols - col, role,
				head);
		rest = text_sub(rest, head.len, rest.len);
	}
}

int json_tree_height(const struct json_tree *tree, int cols)
{
	int rows = tree->cut; /* the row that says so */

	for (size_t i = 0; i < tree->n; i = node_next(tree, i))
		rows += node_height(&tree->nodes[i], cols);
	return rows;
}

void json_tree_draw(const struct json_tree *tree, struct canvas *canvas, struct rect rect,
	const struct look *look)
{
	int total = tree->cut, cursor = 0, cursor_rows = 1, skip, at;

	if (rect.rows <= 0 || rect.cols <= 0)
		return;
	for (size_t i = 0; i < tree->n; i = node_next(tree, i)) {
		int height = node_height(&tree->nodes[i], rect.cols);

		if (i == tree->cursor) {
			cursor = total - tree->cut;
			cursor_rows = height;
		}
		total += height;
	}
	/* The cursor stays in the middle where the ends allow: no scroll state to keep. */
	skip = cursor - rect.rows / 2;
	skip = skip > total - rect.rows ? total - rect.rows : skip;
	skip = skip < 0 ? 0 : skip;
	at = -skip;
	for (size_t i = 0; i < tree->n && at < rect.rows; i = node_next(tree, i)) {
		node_draw(tree, i, canvas, rect, at, look);
		at += node_height(&tree->nodes[i], rect.cols);
	}
	if (!tree->n)
		return;
	if (tree->cut && at < rect.rows)
		(void)canvas_put(canvas, rect.row + at, rect.col, rect.cols, ROLE_WARN,
			TEXT("the rest is left out: --json has all of it"));
	cursor -= skip;
	if (cursor_rows > rect.rows - cursor)
		cursor_rows = rect.rows - cursor;
	canvas_select(canvas, (struct rect){ rect.row + cursor, rect.col, cursor_rows, rect.cols });
	canvas_cursor(canvas, rect.row + cursor, rect.col);
}

static size_t node_parent(const struct json_tree *tree, size_t i)
{
	size_t at = i;

	while (at > 0 && tree->nodes[at].depth >= tree->nodes[i].depth)
		at--;
	return tree->nodes[at].depth < tree->nodes[i].depth ? at : i;
}

static void move(struct json_tree *tree, int by)
{
	for (; by > 0 && node_next(tree, tree->cursor) < tree->n; by--)
		tree->cursor = node_next(tree, tree->cursor);
	for (; by < 0 && tree->cursor > 0; by++)
		tree->cursor = node_prev(tree, tree->cursor);
}

enum reply json_tree_act(struct json_tree *tree, enum action action, int page_rows)
{
	int page = page_rows > 1 ? page_rows - 1 : 1;
	bool container;

	if (!tree->n)
		return REPLY_IGNORED;
	container = tree->nodes[tree->cursor].container;
	switch ((int)action) {
	case ACT_UP:
		move(tree, -1);
		break;
	case ACT_DOWN:
		move(tree, 1);
		break;
	case ACT_PAGE_UP:
		move(tree, -page);
		break;
	case ACT_PAGE_DOWN:
		move(tree, page);
		break;
	case ACT_HALF_UP:
		move(tree, -(page + 1) / 2);
		break;
	case ACT_HALF_DOWN:
		move(tree, (page + 1) / 2);
		break;
	case ACT_FIRST:
		tree->cursor = 0;
		break;
	case ACT_LAST:
		move(tree, NODES_MAX);
		break;
	case ACT_LEFT:
		if (container && !tree->folded[tree->cursor])
			tree->folded[tree->cursor] = 1;
		else
			tree->cursor = node_parent(tree, tree->cursor);
		break;
	case ACT_RIGHT:
		tree->folded[tree->cursor] = 0;
		break;
	case ACT_OPEN:
		if (container)
			tree->folded[tree->cursor] ^= 1;
		break;
	default:
		return REPLY_IGNORED;
	}
	return REPLY_DONE;
}
