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
# Every screen, what it needs behind its name after a colon.
flow_update=$(sed -n 's/.*"update_id": *"\([^"]*\)".*/\1/p' "$work"/estate/eventlog/claims.ndjson | tail -1)
key=
screens='estate pipelines updates:claims flows:@ events quality rules:main.fire.collateral_silver lag reader:dlt/members_silver topic:cdc.shared.07 connectors tables history:fire/collateral_silver version:fire/collateral_silver:1 diff:fire/collateral_silver:0..2 schema:fire/collateral_silver sources source:eventlog_estate event:@'
show() { # screen, more options: its words are split at colons; the @ of flows and event is filled in
	what=$1; shift
	case $what in
	flows:@) what=flows:$flow_update ;;
	event:@) what=event:$key ;;
	source:*) weir source "eventlog estate" --print --width 120 --config "$work/asof.ini" "$@"; return ;;
	esac
	# shellcheck disable=SC2046
	weir $(echo "$what" | tr : ' ') --print --width 120 --config "$work/asof.ini" "$@"
}
for view in $("$B/weir" --dump views | cut -f1); do
	case " $(echo "$screens" | sed 's/:[^ ]*//g') " in *" $view "*) ;; *) die "screen $view is not in this test" ;; esac
done
stream_ms=$(date +%s)000
compared=0 missing=0
for part in 1 2 3 4; do
	for file in "$work"/estate/eventlog/*.ndjson; do
		lines=$(wc -l <"$file")
		head -n $((lines * part / 4)) "$file" | tail -n +$((lines * (part - 1) / 4 + 1)) >>"$work/log/$(basename "$file")"
	done
	collect asof >/dev/null
	"$B/tests/interop/streams_feed" "$work/asof.db" 70 $stream_ms $((part - 1)) 4
	[ -n "$key" ] || key=$(weir events --json --config "$work/asof.ini" | tail -1 | sed -n 's/.*"key": *\([0-9]*\).*/\1/p')
	for screen in $screens; do
		show "$screen" >"$work/$part.$(echo "$screen" | tr / _)" 2>"$work/err" || true
	done
	sleep 0.05
done
collect asof >/dev/null
for part in 1 2 3 4; do
	for name in $screens; do
		screen=$(echo "$name" | tr / _)
		# A thing that was not there yet cannot be shown as of then either.
		if [ ! -s "$work/$part.$screen" ]; then missing=$((missing + 1)); continue; fi
		at=$(sed -n '1s/.*as of \([0-9TZ:.-]*\).*/\1/p' "$work/$part.$screen")
		[ -n "$at" ] || die "$screen: no time in its first line: $(head -1 "$work/$part.$screen")"
		show "$name" --as-of "$at" >"$work/later"
		cmp -s "$work/$part.$screen" "$work/later" || die "$screen as of $at (part $part) differs: $(diff "$work/$part.$screen" "$work/later" | head -6)"
		compared=$((compared + 1))
	done
done
# The parts must differ, or the comparison would mean nothing.
cmp -s "$work/1.quality" "$work/4.quality" && die "nothing changed between the parts"
cmp -s "$work/1.lag" "$work/4.lag" && die "no reader moved between the parts"
grep -q 'FALLING BEHIND' "$work/4.lag" || die "the streams do not show: $(cat "$work/4.lag")"
[ $missing -le 4 ] || die "$missing screens showed nothing"
[ $compared -ge 44 ] || die "only $compared screens compared"
echo "$compared screens compared"
