#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# While a failed update is tried again, the estate still says what failed.
. tests/cli/lib.sh
mkdir "$work/log"
"$B/weir-estate" --dir "$work/estate" --hours 6 --now 2026-03-02T12:00:00Z >/dev/null
all=$work/estate/eventlog/claims.ndjson
# Up to where the newest attempt, a retry, has begun to run.
line=$(grep -n '"event_type": *"create_update"' "$all" | tail -1 | cut -d: -f1)
sed -n "$line p" "$all" | grep -q RETRY_ON_FAILURE || die "the newest update is no retry"
head -n $((line + 4)) "$all" >"$work/log/claims.ndjson"
configure retry <<X
[eventlog estate]
path = $work/log
X
collect retry >/dev/null
weir estate --json --config "$work/retry.ini" >"$work/json"
grep -q '"state": "SETTING_UP_TABLES"' "$work/json" || die "not under way: $(cat "$work/json")"
grep -q '"failed_flow": *"main.claims.claims_silver"' "$work/json" || die "no failed flow: $(cat "$work/json")"
grep -q '"error_class": *"DELTA_SCHEMA_CHANGE"' "$work/json" || die "no class: $(cat "$work/json")"
weir estate --print --width 100 --config "$work/retry.ini" >"$work/print"
grep -q 'last failure  flow main.claims.claims_silver failed in attempt' "$work/print" || die "$(cat "$work/print")"
# Before anything failed nothing did.
first=$(grep -n '"state": *"FAILED"' "$all" | head -1 | cut -d: -f1)
begin=$(head -n "$first" "$all" | grep -n '"event_type": *"create_update"' | tail -1 | cut -d: -f1)
head -n $((begin + 3)) "$all" >"$work/log/claims.ndjson"
rm -f "$work"/retry.db*
collect retry >/dev/null
weir estate --json --config "$work/retry.ini" >"$work/json"
grep -q '"failed_flow": null' "$work/json" || die "a failure before there was one: $(cat "$work/json")"
