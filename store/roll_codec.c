/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "store/fold.h"

/*
 * The column x of roll_h: a version byte, then the rows of one hour and dataset by rule. Sums may
 * be negative while differences are on their way; na and nb are small.
 */
enum { ROLL_FORM = 1, ROLL_NUMBERS = 5 };

bool rolls_encode(struct buf *buf, const struct fold_roll *rows, size_t n)
{
	buf_add_char(buf, ROLL_FORM);
	for (size_t i = 0; i < n; i++) {
		unsigned char bytes[PACK_BYTES_MAX * ROLL_NUMBERS], *to = bytes;

		to = put_uint(to, (uint64_t)rows[i].rule);
		to = put_uint(to, zigzag(rows[i].a));
		to = put_uint(to, zigzag(rows[i].b));
		to = put_uint(to, zigzag(rows[i].na));
		to = put_uint(to, zigzag(rows[i].nb));
		buf_add_bytes(buf, bytes, (size_t)(to - bytes));
	}
	return !buf->full;
}

bool rolls_decode(struct text x, int64_t hour, int64_t dataset, struct fold_rolls *out)
{
	struct rest rest = rest_of(x);

	if (x.len == 0 || *rest.at++ != ROLL_FORM)
		return false;
	while (rest.at < rest.end) {
		struct fold_roll roll = { .hour = hour, .dataset = dataset };
		uint64_t rule;

		if (!get_uint(&rest, &rule) || !get_int(&rest, &roll.a) || !get_int(&rest, &roll.b) ||
			!get_int(&rest, &roll.na) || !get_int(&rest, &roll.nb))
			return false;
		roll.rule = (int64_t)rule;
		fold_rolls_add(out, &roll);
	}
	return true;
}
