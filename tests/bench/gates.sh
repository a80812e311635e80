#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What CI holds: instructions an event, of a screen's first picture, and bytes an event, which repeat
# (nearly: two threads share the work), never seconds. So few events still pay for names and totals that many
# events share (`make bench` has the figures at 500,000); the limits are what the code reaches here,
# plus a tenth, and only ever go down.
set -eu
B=${B:-build/release}
dir=build/bench
mkdir -p $dir
few=20000 many=60000
instructions_limit=${INSTRUCTIONS_LIMIT:-26600}
ratio_limit=${RATIO_LIMIT:-10}
for n in $few $many; do
	"$B/bench/gen_events" $n >$dir/gate.ndjson
	rm -f $dir/gate.db*
	printf '[weir]\nstore = %s/gate.db\nvisible_within = 1h\n[eventlog gate]\npath = %s/gate.ndjson\n' "$PWD/$dir" "$PWD/$dir" >$dir/gate.ini
	valgrind --tool=callgrind --callgrind-out-file=/dev/null "$B/weir-collect" --once --config $dir/gate.ini 2>&1 |
		sed -n 's/.*Collected : \([0-9]*\).*/\1/p' >$dir/gate.$n
done
slope=$((($(cat $dir/gate.$many) - $(cat $dir/gate.$few)) / (many - few)))
size=$(stat -c %s $dir/gate.db)
raw=$(sqlite3 $dir/gate.db "select coalesce(sum(pgsize), 0) from dbstat where name = 'raw'")
each=$(((size - raw) / many))
log=$(stat -c %s $dir/gate.ndjson)
percent=$((100 * (size - raw) / log))
verdict() { [ "$1" -le "$2" ] && echo ok || echo MISSED; }
verdict "$slope" "$instructions_limit" >$dir/v1
verdict "$percent" "$ratio_limit" >$dir/v2
echo "instructions an event, parse to store: $slope (limit $instructions_limit) $(cat $dir/v1)"
echo "store beside raw payloads: $each bytes an event, $percent% of the log (limit $ratio_limit%) $(cat $dir/v2)"
# Program start, queries and drawing of 200 pipelines, 4,800 datasets and as many readers; millions.
for screen in estate:54 pipelines:36 events:44 quality:178 lag:184; do
	limit=${screen#*:}
	count=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$B/weir" "${screen%:*}" --print --store $dir/gate.db 2>&1 >/dev/null |
		sed -n 's/.*Collected : \([0-9]*\).*/\1/p')
	verdict $((count / 1000000)) "$limit" >$dir/v3."${screen%:*}"
	echo "instructions of ${screen%:*}, its first picture: $((count / 1000000)) M (limit $limit M) $(cat $dir/v3."${screen%:*}")"
done
grep -q MISSED $dir/v1 $dir/v2 $dir/v3.* && exit 1
exit 0
