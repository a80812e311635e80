/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a store of an hour of streams, for looking at the screens: streams_feed STORE [MINUTES]. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/streams.h"

int main(int argc, char **argv)
{
	if (argc < 2) {
		(void)fprintf(stderr, "streams_feed STORE [MINUTES]\n");
		return 2;
	}
	streams_fill(argv[1], clock_system()->wall_ms(clock_system()), argc > 2 ? atol(argv[2]) : 70);
	return 0;
}
