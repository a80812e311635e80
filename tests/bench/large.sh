#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The console and the readers' queries on a store of EVENTS events (ten million, some 27 hours of
# log), which is built once and kept. The log goes through the disk in pieces.
set -eu
B=${B:-build/release}
EVENTS=${EVENTS:-10000000}
dir=build/bench
mkdir -p $dir
store=$dir/large.$EVENTS.db
if [ ! -s "$store" ]; then
	rm -f "$store"* $dir/piece.*
	printf '[weir]\nstore = %s/building.db\n[eventlog large]\npath = %s/piece.*.ndjson\n' "$PWD/$dir" "$PWD/$dir" >$dir/large.ini
	rm -f $dir/building.db*
	export B dir
	# $FILE is split's name for the piece
	# shellcheck disable=SC2016
	"$B/bench/gen_events" "$EVENTS" | split -l 500000 -a 4 \
		--filter='cat >$FILE.ndjson && $B/weir-collect --once --config $dir/large.ini && rm $FILE.ndjson' - $dir/piece.
	mv $dir/building.db "$store"
fi
printf 'store: %d events, %d MB\n' "$(sqlite3 "$store" 'select count(*) from event')" $(($(stat -c %s "$store") / 1000000))
"$B/bench/bench_readers" "$store"
"$B/bench/bench_console" "$B/weir" "$store"
