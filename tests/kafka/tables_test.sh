#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# 4,025 tables over 35 topics at 1,600 records a second: every table's count is exact, the one that
# sends 40 % is on top within ten seconds, and it costs little. Halfway the sweeper is killed.
# SECONDS_LONG: how long records flow (30). Prints what was measured as: word value.
. tests/kafka/lib.sh
long=${SECONDS_LONG:-30} rate=1600
kafka_start
"$B/tests/kafka/produce" "$kafka" rate=0 messages=0 quiet=1
printf '[kafka prod]\nbrokers = %s\nevery = 5s\ntables = cdc.*\n' "$kafka" >"$work/kafka.ini"
"$B/tests/kafka/sweep" "$work/kafka.ini" $(((long + 80) * 1000)) >"$work/facts" 2>"$work/log" &
collector=$!
# Its children are ours to look at by its number alone.
sweeper() { cat "/proc/$collector/task/$collector/children" 2>/dev/null | tr -d ' '; }
# Topics that were made this very second may have no leader yet.
wait_for 'a whole sweep' grep -Eq '^sweep prod took [0-9]+ 1 0 35 35 0 0 ' "$work/facts"
"$B/tests/kafka/produce" "$kafka" rate=$rate messages=$((rate * long)) >"$work/counts" &
producer=$!
began=$(date +%s)
on_top() { python3 tests/kafka/tables.py top "$work/facts" claims.public.table_0000; }
wait_for 'the busiest table on top' on_top
top=$(($(date +%s) - began))
echo "top_s $top"
[ $top -le 10 ] || die "on top after $top s"
[ $top -ge $((long / 2)) ] || sleep $((long / 2 - top))
kill -KILL "$(sweeper)"
wait $producer || die produce
ticks() { awk '{print $14 + $15}' "/proc/$1/stat" 2>/dev/null || echo 0; }
# After the kill: what the last part of the minutes cost, without the start.
wait_for 'the end of what was sent' python3 tests/kafka/tables.py equal "$work/facts" "$work/counts"
[ $(($(ticks $collector) + $(ticks "$(sweeper)"))) -gt 0 ] || die 'nobody worked'
awk '/VmHWM/ {print "rss_kb", $2}' "/proc/$collector/status" "/proc/$(sweeper)/status"
kill $collector
wait $collector 2>/dev/null || true
grep -q 'signal 9' "$work/log" || die 'it was not killed'
python3 tests/kafka/tables.py equal "$work/facts" "$work/counts"
