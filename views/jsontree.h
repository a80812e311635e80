/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_JSONTREE_H
#define VIEWS_JSONTREE_H

#include "views/common.h"

/*
 * JSON as a folded tree with a cursor. Nodes lie in an arena and are made again at each load; what
 * is folded belongs to the tree and survives a load of the same text. UI thread.
 */
struct json_node {
	struct text key, value; /* value: of a leaf, or how much a container holds */
	int depth;
	size_t end; /* index behind its last descendant */
	bool container, is_text;
};

struct json_tree {
	struct json_node *nodes;
	size_t n, room;
	bool cut; /* more nodes than the tree takes */
	unsigned char *folded; /* by node; heap */
	size_t nfolded;
	uint64_t hash; /* of the text the folds are for */
	size_t cursor; /* node index */
};

/* Builds the nodes; text that is no JSON becomes one node. */
void json_tree_load(struct json_tree *tree, struct arena *arena, struct text json);
void json_tree_done(struct json_tree *tree);
int json_tree_height(const struct json_tree *tree, int cols);
void json_tree_draw(const struct json_tree *tree, struct canvas *canvas, struct rect rect,
	const struct look *look);
/* Moves, LEFT folds or goes to the parent, RIGHT unfolds, OPEN turns. */
enum reply json_tree_act(struct json_tree *tree, enum action action, int page_rows);

#endif
