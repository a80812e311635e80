#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What scripts read does not depend on the language of who runs it: where 0.5 is written 0,5, JSON, CSV
# and the screens are the same bytes.
. tests/cli/lib.sh
mkdir "$work/locale"
localedef -i de_DE -f UTF-8 "$work/locale/de_DE.UTF-8" || die "no German locale can be made"
export LOCPATH="$work/locale"
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # glibc leaks the list that it makes of LOCPATH
[ "$(LC_ALL=de_DE.UTF-8 locale decimal_point)" = , ] || die "the German locale is not in use"
cat >"$work/one.json" <<'X'
{"id":"a","timestamp":"2026-03-02T09:00:00.000Z","origin":{"pipeline_id":"p","pipeline_name":"shop","update_id":"u"},"event_type":"create_update","level":"INFO","message":"begins","details":{"create_update":{"cause":"USER_ACTION"}}}
{"id":"b","timestamp":"2026-03-02T09:00:01.500Z","origin":{"pipeline_id":"p","pipeline_name":"shop","update_id":"u","flow_name":"silver","dataset_name":"silver"},"event_type":"flow_progress","level":"INFO","message":"done","details":{"flow_progress":{"status":"COMPLETED","metrics":{"num_output_rows":1234,"backlog_bytes":1300000.0},"data_quality":{"dropped_records":"66.0","expectations":[{"name":"has_id","dataset":"silver","passed_records":1234,"failed_records":66}]}}}}
X
configure one <<X
[eventlog one]
path = $work/one.json
X
LC_ALL=de_DE.UTF-8 collect one >"$work/told" || die "$(cat "$work/told")"
sleep 1
at=$(date -u +%FT%TZ) # ages stand still
for view in estate pipelines updates "flows u" events quality "rules silver" sources; do
	for form in --print --json --csv; do
		for language in C.UTF-8 de_DE.UTF-8; do
			LC_ALL=$language weir $view $form --as-of $at \
				--config "$work/one.ini" >"$work/$language" 2>&1 || die "$view: $(cat "$work/$language")"
		done
		cmp "$work/C.UTF-8" "$work/de_DE.UTF-8" ||
			die "$view $form differs: $(diff "$work/C.UTF-8" "$work/de_DE.UTF-8" | head -6)"
	done
done
LC_ALL=de_DE.UTF-8 weir quality --csv --config "$work/one.ini" >"$work/csv"
grep -q '94\.9' "$work/csv" || die "94.9 % expected: $(cat "$work/csv")"
exit 0
