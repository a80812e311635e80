#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Against the real broker, while records flow: what a sweep says of every group and partition lies
# between what Kafka's own tool says before and after it. Then what happens to topics and readers.
. tests/kafka/lib.sh
kafka_start
d=$work/kafka
sweep="$B/tests/kafka/sweep"
produce="$B/tests/kafka/produce"
printf '[kafka prod]\nbrokers = %s\nevery = 1s\n' "$kafka" >"$work/kafka.ini"
say() { echo "-- $*"; }
follow() { # name: sweeps go on in the background, told in $work/NAME; one is over
	"$sweep" "$work/kafka.ini" 600000 >"$work/$1" 2>"$work/$1.log" &
	sweeper=$!
	wait_for 'a first sweep' grep -q '^sweep prod' "$work/$1"
}
follow_no_more() {
	kill "$sweeper" && wait "$sweeper" || die "the sweeper ended: $(tail -5 "$work"/*.log)"
	sweeper=
}

# Traffic: 8 topics of 3 partitions, 5 groups, of which two have stopped and one never commits.
"$produce" "$kafka" topics=8 partitions=3 tables=80 rate=0 messages=2000 quiet=1
consume() { # group, topics...: joins, and commits every 200 ms until it is ended
	group=$1; shift
	kcat -b "$kafka" -X auto.commit.interval.ms=200 -X auto.offset.reset=earliest -q -G "$group" "$@" \
		>/dev/null 2>&1 &
	consumers="${consumers:-} $!"
}
end_consumers() { for pid in ${consumers:-}; do kill "$pid" 2>/dev/null || true; done; consumers=; }
trap 'end_consumers; kill ${traffic:-} ${sweeper:-} 2>/dev/null || true; $broker stop "$work/kafka"; rm -rf "$work"' EXIT
consume stopped cdc.shared.00 cdc.shared.01
consume finished cdc.shared.02
committed() { groups_tool --describe --all-groups 2>/dev/null | awk -v g="$1" '$1 == g && $4 ~ /^[1-9]/' | grep -q .; }
wait_for 'commits of stopped' committed stopped
wait_for 'commits of finished' committed finished
end_consumers
"$produce" "$kafka" topics=8 partitions=3 tables=80 rate=400 messages=400000 quiet=1 &
traffic=$!
consume live-a cdc.shared.03 cdc.shared.04
consume live-b cdc.shared.04 cdc.shared.05 cdc.shared.06
consume live-b cdc.shared.04 cdc.shared.05 cdc.shared.06
wait_for 'commits of live-a' committed live-a
wait_for 'commits of live-b' committed live-b

compare() {
	for round in 1 2 3; do
		groups_tool --describe --all-groups >"$work/before" 2>/dev/null
		"$sweep" "$work/kafka.ini" >"$work/facts" || die 'sweep'
		groups_tool --describe --all-groups >"$work/after" 2>/dev/null
		# During a rebalance the tool itself may have less to say: again, then.
		python3 tests/kafka/compare.py "$work/before" "$work/facts" "$work/after" >"$work/verdict" &&
			{ cat "$work/verdict"; return 0; }
	done
	cat "$work/verdict"
	die "round $round: a sweep and kafka-consumer-groups do not agree"
}
say 'every partition of every group agrees'
compare
[ "$(awk '$1 == "position" {print $2}' "$work/facts" | sort -u | wc -l)" = 4 ] || die 'not four readers'

say 'a member leaves: the group rebalances, and agrees'
kill "${consumers##* }"
one_member() {
	"$sweep" "$work/kafka.ini" >"$work/facts"
	grep -qE '^position live-b cdc.shared.04 0 [0-9]+ 1 Stable$' "$work/facts"
}
wait_for 'the group with one member' one_member
compare

say 'never behind zero, sweep after sweep'
"$sweep" "$work/kafka.ini" 4000 >"$work/many"
python3 tests/kafka/compare.py --never-negative "$work/many" || die 'negative lag'

say 'the broker is restarted while sweeps run: stale for a moment, nothing else'
follow restart
end_consumers
kill "$traffic" 2>/dev/null || true
traffic=
$broker kill "$d"
wait_for 'a sweep that saw the broker down' grep -q '^sweep prod took [0-9]* - ' "$work/restart"
kafka_start
hint=$work/restart
well() { tail -1 "$work/restart" | grep -qE '^sweep prod took [0-9]+ 1 0 8 24 [0-9]+ 0 $'; }
wait_for 'sweeps that are well again' well
hint=
follow_no_more
grep -qi 'ended\|nonsense' "$work/restart.log" && die "it died: $(cat "$work/restart.log")"
python3 tests/kafka/compare.py --never-negative "$work/restart" || die 'negative lag'

say 'a topic is deleted and made again'
follow gone
topics --delete --topic cdc.shared.02
wait_for 'word that it is gone' grep -q '^gone cdc.shared.02$' "$work/gone"
wait_for 'word that its reader is gone' grep -q '^gone finished cdc.shared.02$' "$work/gone"
topics --create --topic cdc.shared.02 --partitions 1 >/dev/null
echo one | kcat -b "$kafka" -t cdc.shared.02 -P
anew() { grep '^mark cdc.shared.02 ' "$work/gone" | tail -1 | grep -q '^mark cdc.shared.02 0 leader 1 0 1 '; }
wait_for 'the new topic, which begins anew' anew
follow_no_more

say 'retention passes a reader: low is above what it has read, at the next sweep'
topics --create --topic short --partitions 1 --config retention.ms=2000 --config segment.bytes=16384 \
	--config file.delete.delay.ms=100 >/dev/null
seq 100 | kcat -b "$kafka" -t short -P
consume slow short
wait_for 'commits of slow' committed slow
end_consumers
yes xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx |
	head -2000 | kcat -b "$kafka" -t short -P -X batch.num.messages=100
begins() { kcat -b "$kafka" -Q -t short:0:-2 | sed 's/.* offset //'; }
lost() {
	before=$(begins)
	"$sweep" "$work/kafka.ini" >"$work/facts"
	low=$(awk '$1 == "mark" && $2 == "short" {print $6}' "$work/facts")
	[ "$low" -ge "$before" ] && [ "$low" -le "$(begins)" ] || die "low $low, the broker says $(begins)"
	python3 tests/kafka/compare.py --lost slow short "$work/facts"
}
wait_for 'retention to take records' lost
say done
