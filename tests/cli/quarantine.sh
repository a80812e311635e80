#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two witnesses of what was set aside: the event log, and the commits to the quarantine table.
. tests/cli/lib.sh
"$B/weir-estate" --dir "$work/estate" --now 2026-03-02T12:00:00Z >/dev/null
configure q <<X
[eventlog estate]
path = $work/estate/eventlog
[delta lake]
root = $work/estate/tables
X
says() { # what: JSON of collateral_silver's quarantined, table's rows, whether they differ
	weir quality fire.collateral_silver --json --config "$work/q.ini" | python3 -c '
import json, sys
d = json.load(sys.stdin)["datasets"][0]
print(d["quarantined"], d["quarantine_table_rows"], d["quarantine_differs"])'
}
shows() { # columns, what
	weir quality --print --width "$1" --config "$work/q.ini" >"$work/screen"
	grep -qF "$2" "$work/screen" || die "not on the screen: $2; but: $(cat "$work/screen")"
}

collect q >/dev/null
[ "$(says)" = "7800 7800 False" ] || die "they agree: $(says)"
shows 80 ' 92.2% complete: 92 200 of 100 000 rows, 7 800 (7.8%) quarantined; table agrees'
shows 120 '7 800 (7.8%) quarantined; quarantine table says 7 800'

# The same update puts ten rows more into the table than its event log tells of.
log=$work/estate/tables/fire/collateral_quarantine/_delta_log
last=$(ls "$log" | grep -E '^[0-9]{20}\.json$' | tail -1)
after() { python3 -c 'import sys; print("%020d.json" % (int(sys.argv[1][:20]) + 1))' "$1"; }
next=$(after "$last")
head -1 "$log/$last" | sed 's/"Complete"/"Append"/' >"$work/commit"
echo '{"add":{"path":"late.parquet","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,"stats":"{\"numRecords\":10}"}}' >>"$work/commit"
cp "$work/commit" "$log/$next"
collect q >/dev/null
[ "$(says)" = "7800 7810 True" ] || die "they differ: $(says)"
shows 80 ' QUARANTINE DIFFERS: event log 7 800, quarantine table 7 810: 10 too many'
shows 80 '!7 800'

# A file without statistics: nobody knows.
next=$(after "$next")
sed 's/,"stats":.*"}}$/}}/; s/late/later/' "$work/commit" >"$log/$next"
collect q >/dev/null
[ "$(says)" = "7800 None None" ] || die "it is not known: $(says)"
shows 80 ' 92.2% complete: 92 200 of 100 000 rows published, 7 800 (7.8%) quarantined'
exit 0
