#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The same events in the encodings in which event logs are met give the same facts, byte for byte.
. tests/cli/lib.sh
[ -d "$CORPUS/eventlog/composed" ] || { echo "no corpus at $CORPUS"; exit 77; }
for file in "$CORPUS"/eventlog/composed/*; do
	name=$(basename "$file"); name=${name%%.*}
	configure "$name" <<X
[eventlog one]
path = $file
X
	collect "$name" >"$work/$name.out" || die "$name: $(cat "$work/$name.out")"
	weir dump --config "$work/$name.ini" >"$work/$name.facts"
done
events=$(grep -c '"kind": *"event"' "$work/rest_events_page.facts") || die "no events: $(head -3 "$work/rest_events_page.facts")"
[ "$events" = 27 ] || die "27 events expected, $events found"
for name in all_strings delta_to_json_details_string sql_statement_json_array; do
	cmp "$work/rest_events_page.facts" "$work/$name.facts" || die "$name differs: $(diff "$work/rest_events_page.facts" "$work/$name.facts" | head -4)"
done
# The form of 2022 holds two of the events: its facts are among the others'.
[ "$(grep -c '"kind": *"event"' "$work/legacy_events_json_2022.facts")" = 2 ] || die "legacy: 2 events expected"
grep '"kind": *"event"' "$work/legacy_events_json_2022.facts" | while read -r line; do
	grep -qxF -- "$line" "$work/rest_events_page.facts" || die "legacy: not among the others: $line"
done
grep -q 'Input data' "$work/rest_events_page.facts" && grep -q '"id":"7"' "$work/rest_events_page.facts" && die "row data was not redacted"
exit 0
