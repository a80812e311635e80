#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Readers with checkpoints on a real broker: lag is the watermark less the checkpoint's offset while
# traffic runs; of a stopped reader time to loss counts down to what retention really takes.
. tests/kafka/lib.sh
kafka_start log.retention.check.interval.ms=500 log.initial.task.delay.ms=500 log.segment.delete.delay.ms=1000
topics --create --topic moving --partitions 4 >/dev/null
topics --create --topic short --partitions 1 --config retention.ms=30000 --config segment.ms=1000 >/dev/null
mkdir "$work/checkpoints"
configure one <<E
[kafka real]
brokers = $kafka
every = 2s
[checkpoint spark]
root = $work/checkpoints
kafka = real
poll = 2s
E
"$B/weir-collect" --config "$work/one.ini" 2>"$work/service.log" &
service=$!
trap 'kill $service 2>/dev/null || true; $broker stop "$work/kafka"; rm -rf "$work"' EXIT
status=0
python3 tests/kafka/checkpoint.py "$B/weir" "$work/one.ini" "$kafka" "$work/checkpoints" 2 || status=$?
[ $status -eq 0 ] || tail -5 "$work/service.log"
kill $service
wait $service || die "the service ends with $?"
exit $status
