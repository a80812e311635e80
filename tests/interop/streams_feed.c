/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a store of some minutes of streams that end now, for looking at the screens:
 *   streams_feed STORE [MINUTES]
 * or adds one part of several of them, seen now, as a collector would have:
 *   streams_feed STORE MINUTES NOW_MS PART PARTS
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/streams.h"

int main(int argc, char **argv)
{
	const struct clock *clock = clock_system();
	int64_t now = clock->wall_ms(clock), minutes = argc > 2 ? atol(argv[2]) : 70;

	if (argc == 6) {
		streams_fill_part(argv[1], atoll(argv[3]), minutes, atol(argv[4]), atol(argv[5]));
		return 0;
	}
	if (argc < 2 || argc > 3) {
		(void)fprintf(stderr, "streams_feed STORE [MINUTES [NOW_MS PART PARTS]]\n");
		return 2;
	}
	streams_fill(argv[1], now, minutes);
	return 0;
}
