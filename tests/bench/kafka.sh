#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Kafka: a sweep of many groups, the ends of many partitions, Kafka's own tool on the same broker, and
# many tables inside few topics, collected by the whole program into a store. Rows in the form of bench.sh.
# MINUTES (10): how long records flow in the last part.
set -eu
B=${B:-build/release}
B=$(cd "$B" && pwd)
MINUTES=${MINUTES:-10}
table=$PWD/build/bench/table.txt
mkdir -p build/bench
row() { printf '%-52s %14s %14s  %s\n' "$1" "$2" "$3" "$4" | tee -a "$table"; }
calc() { awk "BEGIN { printf \"$1\", $2 }"; }
verdict() { awk "BEGIN { print ($1) ? \"ok\" : \"MISSED\" }"; }
now() { date +%s.%N; }
work=$(mktemp -d "${TMPDIR:-/tmp}/weir-bench.XXXXXX")
broker="sh tests/kafka/broker.sh"
collector=
trap '[ -z "$collector" ] || kill "$collector" 2>/dev/null || true; $broker stop "$work/kafka"; rm -rf "$work"' EXIT

# The fastest way to ask for 200,000 commits takes a bare client 0.65 s (100 to a request).
set -- $("$B/bench/bench_kafka" groups)
row '50 groups x 4,000 partitions, a sweep, ms' "$1" '<= 975' "$(verdict "$1 <= 975")"
row '  median of 7' "$2" '' ''
set -- $("$B/bench/bench_kafka" ends)
row 'ends of 20,000 partitions on the mock, a sweep, ms' "$1" '<= 300' "$(verdict "$1 <= 300")"

kafka=$($broker start "$work/kafka")
printf '[kafka prod]\nbrokers = %s\nevery = 5s\n' "$kafka" >"$work/kafka.ini"
"$B/tests/kafka/produce" "$kafka" topics=20 partitions=10 tables=200 rate=0 messages=20000 prefix=peer quiet=1
for g in $(seq 20); do
	kcat -b "$kafka" -q -e -X auto.offset.reset=earliest -X session.timeout.ms=6000 -G "group-$g" \
		$(for t in $(seq 0 19); do printf 'peer.%02d ' "$t"; done) >/dev/null 2>&1 &
	[ $((g % 5)) -ne 0 ] || wait
done
wait
tool=$(for _ in 1 2 3; do
	t0=$(now)
	$broker tool "$work/kafka" org.apache.kafka.tools.consumer.group.ConsumerGroupCommand \
		--all-groups --describe >"$work/tool" 2>/dev/null
	t1=$(now)
	calc '%.3f\n' "$t1-$t0"
done | sort -n | head -1)
weir=$(for _ in 1 2 3; do
	t0=$(now); "$B/tests/kafka/sweep" "$work/kafka.ini" >"$work/facts"; t1=$(now)
	calc '%.3f\n' "$t1-$t0"
done | sort -n | head -1)
lags=$(grep -c '^position' "$work/facts")
row "kafka-consumer-groups, $lags lags, s" "$tool" '' ''
row 'a sweep of the same, process and all, s' "$weir" '' ''
row 'sweep / kafka-consumer-groups' "$(calc %.3f "$weir/$tool")" '<= 0.05' "$(verdict "$weir/$tool <= 0.05")"

# The whole collector, into a store, at 1,600 records a second.
long=$((MINUTES * 60))
"$B/tests/kafka/produce" "$kafka" rate=0 messages=0 quiet=1
printf '[weir]\nstore = %s/weir.db\nlog = %s/weir.log\n[kafka prod]\nbrokers = %s\ntables = cdc.*\n' \
	"$work" "$work" "$kafka" >"$work/weir.ini"
sed -i 's/^every.*/&\ntables = cdc.*/' "$work/kafka.ini"
"$B/tests/kafka/sweep" "$work/kafka.ini" $(((long + 120) * 1000)) >"$work/facts" 2>/dev/null & # counts, for the last row
"$B/weir-collect" --config "$work/weir.ini" &
collector=$!
sleep 20
sweeper=$(tr -d ' ' <"/proc/$collector/task/$collector/children")
[ -n "$sweeper" ] || sweeper=$(cat /proc/"$collector"/task/*/children | tr -d ' ')
ticks() { cat /proc/"$1"/stat /proc/"$2"/stat | awk '{t += $14 + $15} END {print t}'; }
t0=$(ticks "$collector" "$sweeper")
"$B/tests/kafka/produce" "$kafka" rate=1600 messages=$((1600 * long)) >"$work/counts"
t1=$(ticks "$collector" "$sweeper")
cpu=$(calc %.1f "100*($t1-$t0)/$(getconf CLK_TCK)/$long")
# What both share (libraries, the program) counts once; where that may not be read, each at its most.
memory=$(cat "/proc/$collector/smaps_rollup" "/proc/$sweeper/smaps_rollup" 2>/dev/null |
	awk '/^Pss:/ {k += $2} END {printf "%.1f", k / 1024}')
peaks=$(cat "/proc/$collector/status" "/proc/$sweeper/status" | awk '/VmHWM/ {k += $2} END {printf "%.1f", k / 1024}')
[ "$memory" != 0.0 ] || memory=$peaks
row "1,600 records/s in 4,025 tables, $MINUTES min, % of a core" "$cpu" '< 10' "$(verdict "$cpu < 10")"
row '  memory of both processes, MiB' "$memory" '< 40' "$(verdict "$memory < 40")"
row '  sum of their peaks, shared pages twice, MiB' "$peaks" '' ''
sleep 75
kill "$collector"
wait "$collector" || true
collector=
told=$(python3 tests/kafka/tables.py equal "$work/facts" "$work/counts") || true
row '  records counted, tables, wrong' "$(echo "$told" | sed -n '1s/.*wrong //p')" '0' "$(verdict "\"$(echo "$told" | sed -n '1s/.*wrong //p')\" == \"0\"")"
echo "$told" | head -3
row '  store, MiB' "$(calc %.1f "$(stat -c %s "$work/weir.db")/1048576")" '' ''
