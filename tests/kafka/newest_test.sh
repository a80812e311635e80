#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Kafka 4, which knows fewer old requests, and groups of its new protocol: described they are dead to our
# client, listed they are not.
. tests/kafka/lib.sh
KAFKA_VERSION=$(sed -n 's|.*<kafka.newest>\(.*\)</kafka.newest>.*|\1|p' tests/kafka/pom.xml)
export KAFKA_VERSION
kafka_start
printf '[kafka prod]\nbrokers = %s\n' "$kafka" >"$work/kafka.ini"
topics --create --topic t --partitions 2 >/dev/null
for partition in 0 1; do seq 50 | kcat -b "$kafka" -t t -P -p $partition; done
kcat -b "$kafka" -q -X auto.offset.reset=earliest -X auto.commit.interval.ms=200 -G classic t >/dev/null 2>&1 &
classic=$!
$broker tool "$work/kafka" org.apache.kafka.tools.consumer.ConsoleConsumer --topic t --group new --from-beginning \
	--consumer-property group.protocol=consumer >"$work/read" 2>"$work/console" &
new=$!
trap 'kill $classic $new 2>/dev/null || true; $broker stop "$work/kafka"; rm -rf "$work"' EXIT
both() {
	"$B/tests/kafka/sweep" "$work/kafka.ini" >"$work/facts"
	[ "$(grep -cE '^position (classic|new) t [01] [1-9][0-9]* (1|-) Stable$' "$work/facts")" = 4 ]
}
wait_for 'both groups' both
grep -qE '^position new t 0 [0-9]+ - Stable$' "$work/facts" || die 'members of the new group are told'
grep -qE '^position classic t 0 [0-9]+ 1 Stable$' "$work/facts" || die 'members of the old group are not told'
grep -qE '^sweep prod took [0-9]+ 1 0 1 2 2 0 $' "$work/facts" || die "$(tail -1 "$work/facts")"
