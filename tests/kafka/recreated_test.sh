#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A topic that is deleted and made anew between two sweeps: its records are counted on, though its
# offsets began again below those that were read.
. tests/kafka/lib.sh
kafka_start
create() { topics --create --topic cdc.one --partitions 1 --replication-factor 1 >/dev/null; }
send() { # COUNT
	i=0
	while [ $i -lt "$1" ]; do
		echo '{"source":{"table":"t"},"op":"c"}'
		i=$((i + 1))
	done | kcat -q -P -b "$kafka" -t cdc.one
}
counted() { # of all minutes the newest row
	awk '$1 == "table" { rows[$4] = $5 } END { for (m in rows) n += rows[m]; print n + 0 }' "$work/facts"
}
create
send 20
printf '[kafka prod]\nbrokers = %s\nevery = 600s\ntables = cdc.*\n' "$kafka" >"$work/kafka.ini"
"$B/tests/kafka/sweep" "$work/kafka.ini" 120000 >"$work/facts" 2>"$work/log" &
collector=$!
wait_for 'a first sweep' grep -q '^sweep' "$work/facts"
send 30
before() { [ "$(counted)" -eq 30 ]; }
wait_for 'what came first' before
topics --delete --topic cdc.one
create
# It takes a moment until the client finds that the end is below where it stood.
sleep 3
after() {
	send 2
	sleep 1
	[ "$(counted)" -gt 36 ]
}
wait_for 'what came after it was made anew' after
kill $collector
wait $collector 2>/dev/null || true
