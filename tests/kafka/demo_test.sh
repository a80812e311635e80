#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The demo on a real cluster: its topics and groups are there while it runs, and gone after it.
. tests/kafka/lib.sh
kafka_start
export TMPDIR="$work/tmp"
mkdir "$TMPDIR"
"$B/weir-estate" --dir "$work/estate" --hours 1 --live --kafka "$kafka" >"$work/log" 2>&1 &
estate=$!
trap 'kill $estate 2>/dev/null || true; $broker stop "$work/kafka"; rm -rf "$work"' EXIT
wait_for 'the streams' test -s "$work/estate/connect"
wait_for 'records' sh -c "kcat -b $kafka -Q -t weir-demo.cdc.shared.07:0:-1 | grep -qv 'offset 0'"
wait_for 'the groups' sh -c "$broker tool $work/kafka org.apache.kafka.tools.consumer.group.ConsumerGroupCommand --list | grep -q weir-demo.connect-s3-sink"
configure one <<E
[kafka demo]
brokers = $kafka
[checkpoint demo]
root = $work/estate/checkpoints
kafka = demo
E
seen() {
	collect one >/dev/null || die 'the collector fails'
	weir lag --json --config "$work/one.ini" >"$work/lag.json"
	for reader in hinge_cdc/members_silver/0 weir-demo.connect-s3-sink weir-demo.audit-export; do
		jq -e ".readers[] | select(.reader == \"$reader\" and .lag_records != null)" "$work/lag.json" ||
			return 1
	done
}
hint=$work/lag.json
wait_for 'lag of every reader' seen
hint=
kill $estate
wait $estate || die "the estate ends with $?: $(cat "$work/log")"
[ -z "$(topics --list | grep weir-demo)" ] || die "topics are left: $(topics --list)"
[ -z "$(groups_tool --list | grep weir-demo)" ] || die "groups are left: $(groups_tool --list)"
[ -z "$(ls -A "$TMPDIR")" ] || die "files are left: $(ls "$TMPDIR")"
