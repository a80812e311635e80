#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The regulatory feed of the estate: 92.2 % of 100,000 collateral rows published, from rows.
. tests/cli/lib.sh
"$B/weir-estate" --dir "$work/estate" --now 2026-03-02T12:00:00Z >/dev/null
configure fire <<X
[eventlog estate]
path = $work/estate/eventlog
X
collect fire
weir quality --json --config "$work/fire.ini" >"$work/quality.json"
python3 - "$work/quality.json" <<'X'
import json, sys
doc = json.load(open(sys.argv[1]))
rows = {d["dataset"]: d for d in doc["datasets"]}
def short(name): return next((d for n, d in rows.items() if n.endswith(name)), None)
c = short("fire.collateral_silver")
assert c, list(rows)
assert (c["input"], c["published"], c["quarantined"]) == (100000, 92200, 7800), c
assert abs(c["completeness_pct"] - 92.2) < 1e-9, c
failed = sum(r["failed"] for r in c["rules"])
assert failed == 9112, failed
by = {r["name"]: r for r in c["rules"]}
assert by["[currency_code] not allowed value"]["failed"] == 5140
assert by["[id] is mandatory"]["failed"] == 1902
assert by["[value] is mandatory"]["failed"] == 2070
assert abs(by["[id] is mandatory"]["pass_pct"] - 98.098) < 1e-9
assert by["[date] is mandatory"]["failed"] == 0
assert all(r["reported_by_batches"] == 10 and r["action"] == "drop" for r in c["rules"])
assert doc["datasets"][0] is c or doc["datasets"][0]["dataset"] == c["dataset"], "worst first"
X
weir quality --print --config "$work/fire.ini" --width 80 >"$work/quality.txt"
grep -q '92\.2%' "$work/quality.txt" || die "92.2% is not on the screen: $(cat "$work/quality.txt")"
grep -q '7\.8%' "$work/quality.txt" || die "7.8% is not on the screen: $(cat "$work/quality.txt")"
grep -q '1 312' "$work/quality.txt" || die "the overlap is not stated: $(cat "$work/quality.txt")"
# Reading the same log again changes nothing.
weir dump --config "$work/fire.ini" >"$work/before"
cp -r "$work/estate/eventlog" "$work/copy"
configure fire <<X
[eventlog again]
path = $work/copy
X
collect fire >/dev/null
weir dump --config "$work/fire.ini" >"$work/after"
cmp "$work/before" "$work/after" || die "reading a copy of the log changed the facts"
weir quality --json --config "$work/fire.ini" | sed 's/"as_of": *[^,]*,//' >"$work/q2"
sed 's/"as_of": *[^,]*,//' "$work/quality.json" >"$work/q1"
cmp "$work/q1" "$work/q2" || die "reading a copy of the log changed the totals"
exit 0
