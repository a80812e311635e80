/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/delta/parquet/parts.h"

static void fail(struct thrift *thrift)
{
	thrift->bad = true;
	thrift->at = thrift->end;
}

uint64_t thrift_varint(struct thrift *thrift)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte;

		if (thrift->at == thrift->end)
			break;
		byte = *thrift->at++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	fail(thrift);
	return 0;
}

int64_t thrift_zigzag(struct thrift *thrift)
{
	uint64_t value = thrift_varint(thrift);

	return (int64_t)(value >> 1 ^ (~(value & 1) + 1));
}

static uint8_t one_byte(struct thrift *thrift)
{
	if (thrift->at == thrift->end) {
		fail(thrift);
		return 0;
	}
	return *thrift->at++;
}

struct thrift_field thrift_field(struct thrift *thrift, int *last_id)
{
	uint8_t head = one_byte(thrift);
	struct thrift_field field = { .id = 0, .type = head & 0x0f };
	int64_t id;

	if (field.type == THRIFT_STOP)
		return field;
	id = head >> 4 ? *last_id + (head >> 4) : thrift_zigzag(thrift);
	if (field.type > THRIFT_STRUCT || id < INT16_MIN || id > INT16_MAX) {
		fail(thrift);
		return (struct thrift_field){ .type = THRIFT_STOP };
	}
	field.id = (int)id;
	*last_id = field.id;
	return field;
}

int64_t thrift_int(struct thrift *thrift, struct thrift_field field)
{
	if (field.type == THRIFT_BYTE)
		return (int8_t)one_byte(thrift);
	if (field.type >= THRIFT_I16 && field.type <= THRIFT_I64)
		return thrift_zigzag(thrift);
	fail(thrift);
	return 0;
}

bool thrift_bool(struct thrift *thrift, struct thrift_field field)
{
	if (field.type != THRIFT_TRUE && field.type != THRIFT_FALSE)
		fail(thrift);
	return field.type == THRIFT_TRUE;
}

static struct text bytes_of(struct thrift *thrift, uint64_t len)
{
	struct text text = { (const char *)thrift->at, (size_t)len };

	if (thrift->bad || len > (uint64_t)(thrift->end - thrift->at)) {
		fail(thrift);
		return TEXT_NONE;
	}
	thrift->at += len;
	return text;
}

struct text thrift_text(struct thrift *thrift, struct thrift_field field)
{
	if (!thrift_want(thrift, field, THRIFT_BINARY))
		return TEXT_NONE;
	return bytes_of(thrift, thrift_varint(thrift));
}

/* Every element takes a byte at least, so a length can be checked before anything is made of it. */
static size_t list_head(struct thrift *thrift, int *element_type_out)
{
	uint8_t head = one_byte(thrift);
	uint64_t count = head >> 4;

	if (count == 15)
		count = thrift_varint(thrift);
	*element_type_out = head & 0x0f;
	if (count > (uint64_t)(thrift->end - thrift->at)) {
		fail(thrift);
		return 0;
	}
	return (size_t)count;
}

size_t thrift_list(struct thrift *thrift, struct thrift_field field, int element_type)
{
	int type = 0;
	size_t count;

	if (!thrift_want(thrift, field, THRIFT_LIST))
		return 0;
	count = list_head(thrift, &type);
	if (count > 0 && type != element_type) {
		fail(thrift);
		return 0;
	}
	return count;
}

bool thrift_want(struct thrift *thrift, struct thrift_field field, int type)
{
	if (field.type == type)
		return true;
	fail(thrift);
	return false;
}

/* What is left of a container that is being passed over. */
struct pending {
	uint64_t left; /* elements; of a struct: not used */
	int type[2];   /* of elements; of a map: keys and values in turn */
	int last_id;
	bool is_struct, is_map;
};

static void skip_scalar(struct thrift *thrift, int type)
{
	switch (type) {
	case THRIFT_TRUE:
	case THRIFT_FALSE:
	case THRIFT_BYTE:
		(void)one_byte(thrift);
		break;
	case THRIFT_I16:
	case THRIFT_I32:
	case THRIFT_I64:
		(void)thrift_varint(thrift);
		break;
	case THRIFT_DOUBLE:
		(void)bytes_of(thrift, 8);
		break;
	case THRIFT_BINARY:
		(void)bytes_of(thrift, thrift_varint(thrift));
		break;
	default:
		fail(thrift);
	}
}

static struct pending open_container(struct thrift *thrift, int type)
{
	struct pending pending = { .is_struct = type == THRIFT_STRUCT, .is_map = type == THRIFT_MAP };

	if (type == THRIFT_LIST || type == THRIFT_SET) {
		pending.left = list_head(thrift, &pending.type[0]);
		pending.type[1] = pending.type[0];
	} else if (type == THRIFT_MAP) {
		uint64_t count = thrift_varint(thrift);
		uint8_t types = count > 0 ? one_byte(thrift) : 0;

		if (count > (uint64_t)(thrift->end - thrift->at))
			fail(thrift);
		pending.left = thrift->bad ? 0 : 2 * count;
		pending.type[0] = types >> 4;
		pending.type[1] = types & 0x0f;
	}
	return pending;
}

void thrift_skip(struct thrift *thrift, struct thrift_field field)
{
	struct pending stack[THRIFT_DEPTH_MAX];
	size_t depth = 0;
	int type = field.type;

	/* A field's boolean is in its type; an element's is a byte. */
	if (type == THRIFT_TRUE || type == THRIFT_FALSE)
		return;
	for (;;) {
		struct pending *top;

		if (type < THRIFT_LIST) {
			skip_scalar(thrift, type);
		} else if (type > THRIFT_STRUCT || depth == THRIFT_DEPTH_MAX) {
			fail(thrift);
		} else {
			stack[depth++] = open_container(thrift, type);
		}
		/* To the next thing to pass over, closing what is complete. */
		for (type = THRIFT_STOP; depth > 0 && !thrift->bad && type == THRIFT_STOP;) {
			top = &stack[depth - 1];
			if (top->is_struct) {
				type = thrift_field(thrift, &top->last_id).type;
				if (type == THRIFT_TRUE || type == THRIFT_FALSE)
					type = THRIFT_STOP;
				else if (type == THRIFT_STOP)
					depth--;
			} else if (top->left == 0) {
				depth--;
			} else {
				type = top->type[top->left-- & 1 && top->is_map];
				if (type == THRIFT_STOP)
					fail(thrift);
			}
		}
		if (thrift->bad || type == THRIFT_STOP)
			return;
	}
}
