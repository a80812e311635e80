#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What --print showed live at T is what --as-of T shows later, byte for byte, for every screen.
. tests/cli/lib.sh
mkdir "$work/log"
"$B/weir-estate" --dir "$work/estate" --hours 6 --now 2026-03-02T12:00:00Z >/dev/null
configure asof <<X
[eventlog estate]
path = $work/log
[delta estate]
root = $work/estate/tables
X
screens='estate pipelines events quality tables sources'
compared=0
for part in 1 2 3 4; do
	for file in "$work"/estate/eventlog/*.ndjson; do
		lines=$(wc -l <"$file")
		head -n $((lines * part / 4)) "$file" | tail -n +$((lines * (part - 1) / 4 + 1)) >>"$work/log/$(basename "$file")"
	done
	collect asof >/dev/null
	for screen in $screens; do
		weir "$screen" --print --width 120 --config "$work/asof.ini" >"$work/$part.$screen"
	done
	sleep 0.05
done
collect asof >/dev/null
for part in 1 2 3 4; do
	for screen in $screens; do
		at=$(sed -n '1s/.*as of \([0-9TZ:.-]*\).*/\1/p' "$work/$part.$screen")
		[ -n "$at" ] || die "$screen: no time in its first line: $(head -1 "$work/$part.$screen")"
		weir "$screen" --print --width 120 --as-of "$at" --config "$work/asof.ini" >"$work/later"
		cmp -s "$work/$part.$screen" "$work/later" || die "$screen as of $at (part $part) differs: $(diff "$work/$part.$screen" "$work/later" | head -6)"
		compared=$((compared + 1))
	done
done
# The parts must differ, or the comparison would mean nothing.
cmp -s "$work/1.quality" "$work/4.quality" && die "nothing changed between the parts"
echo "$compared screens compared"
