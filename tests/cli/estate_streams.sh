#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The estate's broker, its readers and its Connect worker, seen by the collector as users would.
. tests/cli/lib.sh
"$B/weir-estate" --dir "$work/estate" --hours 1 --live --streams >"$work/log" 2>&1 &
estate=$!
service=
trap 'kill $estate $service 2>/dev/null || true; wait || true; rm -rf "$work"' EXIT
hint=$work/log
wait_for "streams" test -s "$work/estate/connect"
configure streams <<E
[eventlog lakehouse]
path = $work/estate/eventlog
[delta lakehouse]
root = $work/estate/tables
[kafka demo]
brokers = $(cat "$work/estate/kafka")
every = 2s
[checkpoint demo]
root = $work/estate/checkpoints
kafka = demo
poll = 2s
[connect demo]
url = http://127.0.0.1:$(cat "$work/estate/connect")
E
"$B/weir-collect" --config "$work/streams.ini" 2>"$work/service.log" &
service=$!
lag() { weir lag --json --config "$work/streams.ini" >"$work/lag.json" && jq -r "$1" "$work/lag.json"; }
records() { lag "[.readers[] | select(.reader == \"$1\" and .kind == \"$2\") | .lag_records] | first // -1"; }
hint=$work/lag.json
grows() { now=$(records "$1" "$2"); [ "$now" -gt "$3" ]; }

# The reader that falls behind does so, the stopped group, too; those that keep up do.
wait_for "members_silver is seen" grows hinge_cdc/members_silver/0 checkpoint 0
wait_for "audit-export is seen" grows audit-export group 0
first=$(records hinge_cdc/members_silver/0 checkpoint)
wait_for "members_silver falls behind" grows hinge_cdc/members_silver/0 checkpoint $((first + 400))
wait_for "audit-export stays behind" grows audit-export group 400
slow=$(records hinge_cdc/members_silver/0 checkpoint)
keeps_up() { now=$(records "$1" "$2"); [ "$now" -ge 0 ] && [ "$now" -lt $((slow / 2)) ]; }
wait_for "connect-s3-sink keeps up" keeps_up connect-s3-sink group
wait_for "accounts_silver keeps up" keeps_up hinge_cdc/accounts_silver/0 checkpoint
# Two witnesses of one reader are one line.
[ "$(lag '[.readers[] | select(.topic == "cdc.shared.07")] | length')" = 1 ] || die "two lines: $(cat "$work/lag.json")"
# A reader of a Delta table knows the table by its id; the line by its path, and how far it is.
known() { [ "$(lag '[.readers[] | select(.reader == "retail/orders_gold" and .lag_records >= 0) | .topic | endswith("/tables/retail/orders_silver")] == [true]')" = true ]; }
wait_for "orders_gold is seen" known
# No lag is below zero, and partitions add up to their reader.
lag '[.readers[] | .lag_records as $all | [.partitions[].lag_records // empty] | select(length > 0) | select((min < 0) or (add != $all))] | length' | grep -qx 0 || die "sums: $(cat "$work/lag.json")"

# Everything ends when it is told to.
kill $service; wait $service || die "the service ends with $?"
service=
kill $estate; wait $estate || die "the estate ends with $?: $(cat "$work/log")"
