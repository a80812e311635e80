#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Told to stop while it opens a table of a million files, the collector is gone within a second; what it
# had not finished it reads the next time.
. tests/cli/lib.sh
limit=1000
[ "${MODE:-release}" = release ] || limit=4000
now() { date +%s%3N; }

mkdir -p "$work/tables/large/_delta_log"
for v in 0 1 2 3; do
	awk -v v=$v 'BEGIN {
		if (v == 0) {
			print "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}"
			print "{\"metaData\":{\"id\":\"large\",\"format\":{\"provider\":\"parquet\"}," \
				"\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}\"," \
				"\"partitionColumns\":[],\"configuration\":{}}}"
		}
		for (i = 0; i < 250000; i++)
			printf "{\"add\":{\"path\":\"part-%d-%d.parquet\",\"partitionValues\":{}," \
				"\"size\":1000,\"modificationTime\":1700000000000,\"dataChange\":true," \
				"\"stats\":\"{\\\"numRecords\\\":10}\"}}\n", v, i
	}' >"$work/tables/large/_delta_log/0000000000000000000$v.json"
done
configure stop <<-END
	[delta large]
	root = $work/tables
	look = 0
END
collect stop >/dev/null 2>&1 || die "the history was not read"
configure stop <<-END
	[delta large]
	root = $work/tables
END

# The history is known, so that each of these is in the middle of the table's state, a little later.
for delay in 0 0.1 0.2 0.3 0.5; do
	for try in 1 2 3 4 5; do # a busy machine may be slow once
		"$B/weir-collect" --config "$work/stop.ini" 2>"$work/stop.log" &
		pid=$!
		wait_for "a start" grep -q 'sources into' "$work/stop.log"
		sleep $delay
		kill -TERM $pid
		before=$(now)
		wait $pid || die "after $delay s it ended with $?: $(cat "$work/stop.log")"
		took=$(($(now) - before))
		echo "told to stop after $delay s: $took ms"
		[ $took -gt $limit ] || break
	done
	[ $took -le $limit ] || die "told to stop after $delay s, it took $took ms"
done
collect stop >/dev/null 2>&1 || die "the last run failed"
weir table detail "$work/tables/large" --json | grep -q '"files":1000000' || die "not a million files"
weir --config "$work/stop.ini" --json tables | grep -q '"files": 1000000' ||
	die "the store has not the state: $(weir --config "$work/stop.ini" --json tables)"
weir --config "$work/stop.ini" --json sources | grep -qi 'stopped' && die "a stop is told as trouble"
exit 0
