#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir lag as JSON and CSV, and the exit statuses of weir check lag.
. tests/cli/lib.sh
store=$work/lag.db
"$B/tests/interop/streams_feed" "$store" 70
check() { # status wanted, options
	wanted=$1; shift
	status=0
	weir check lag --store "$store" "$@" >"$work/said" 2>"$work/err" || status=$?
	[ $status = "$wanted" ] || die "check lag $*: status $status, not $wanted: $(cat "$work/said" "$work/err")"
}
says() { grep -q -- "$1" "$work/said" || die "check lag does not say '$1': $(cat "$work/said")"; }

# One reader that is well: a reason for every status.
check 0 --reader dlt/members_gold
says '^OK 1 reader$'
check 0 --reader dlt/members_gold --max-seconds 10m --max-records 1000000 --loss-within 1h
check 1 --reader dlt/members_gold --max-records 200000
says 'WARNING dlt/members_gold .*172800 records behind, limit 200000'
check 2 --reader dlt/members_gold --max-records 100000
check 2 --reader dlt/members_gold --max-seconds 60
check 2 --reader dlt/members_gold --max-seconds=1m
says 'limit 60 s'
check 3 --reader nobody
says '^UNKNOWN no such reader'
check 3 --max-seconds soon
check 3 --no-such-option
check 3 --reader

# What is bad in itself needs no limit; the worst status counts.
check 1 --reader dlt/members_silver
says 'WARNING dlt/members_silver cdc.shared.07: falling behind'
check 2 --reader dlt/members_silver --loss-within 6h
says 'CRITICAL .* loses records in 20[0-9]* s, limit 21600 s'
check 1 --reader dlt/members_silver --loss-within 3h
says 'at most twice the limit'
check 1 --reader dlt/members_silver --loss-within 1h
check 2 --reader audit
says 'CRITICAL audit cdc.shared.01: stopped'
check 2 --reader fraud
check 2 --reader rewound
check 2 --reader connect-s3-sink
says 'connector s3-sink is FAILED'
check 2
check 2 --topic shared.01
! grep -q members "$work/said" || die "another topic's readers are judged: $(cat "$work/said")"
check 2 --quiet
[ ! -s "$work/said" ] || die "--quiet speaks: $(cat "$work/said")"
! grep -q "$(printf '\033')" "$work/said" || die 'an escape came through'

# As of an hour ago the reader of the log had only begun to fall behind; nobody looks any more: unknown.
check 0 --reader audit --as-of 50m
sleep 1
cp "$store" "$work/old.db"
sqlite3 "$work/old.db" 'UPDATE sweep SET at = at - 600000; UPDATE lag_change SET at = at - 600000'
store=$work/old.db
check 3 --reader connect-s3-sink
says 'last seen 6[0-9][0-9] s ago'
sqlite3 "$work/old.db" 'UPDATE batch SET seen_at = seen_at - 600000'
check 3
says '^UNKNOWN nothing was collected for 6[0-9][0-9] s'
check 3 --store "$work/none.db"

# One line of CSV a reader, whole numbers, unknown empty.
store=$work/lag.db
weir lag --csv --store "$store" >"$work/csv"
[ "$(head -1 "$work/csv" | tr -d '\r')" = 'reader,topic,lag,behind,grows,drain,loss,state,lost,in,out,seen,kind,cluster,files,bytes' ] ||
	die "$(head -1 "$work/csv")"
grep -q '^dlt/members_silver,cdc.shared.07,2016000,1400,480.000,,20200,WARN,0,1440.000,960.000,' "$work/csv" || die "$(cat "$work/csv")"
weir lag members_gold --json --store "$store" | grep -q '"loss_in_seconds": null' || die 'no null'
weir lag --print --store "$store" --plain | LC_ALL=C grep -v evil | LC_ALL=C grep -q '[^ -~]' && die 'plain is not ASCII'
echo 'lag: statuses 0 to 3, JSON, CSV'
