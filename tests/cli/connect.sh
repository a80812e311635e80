#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Kafka Connect's REST interface on good days and bad ones: what is said, and that nothing hangs.
. tests/cli/lib.sh
mkfifo "$work/hold"
python3 tests/cli/connect.py <"$work/hold" >"$work/port" &
server=$!
exec 9>"$work/hold"
trap 'exec 9>&-; wait $server 2>/dev/null; rm -rf "$work"' EXIT
wait_for "the server" test -s "$work/port"
port=$(cat "$work/port")
section() { printf '[connect main]\nurl = http://127.0.0.1:%s/%s\ntimeout = 1s\n' "$port" "$1"; cat; }
export PASS=hunter2

section good </dev/null | configure good
out=$(collect good) || die "good: $out"
echo "$out" | grep -q '^connect main: 2 facts read' || die "good: $out"
"$B/weir-collect" doctor --config "$work/good.ini" | grep -q '2 connectors, 1 of them with a failed task' || die doctor

# A connector that is not there any more is told gone, once.
section fewer </dev/null | sed "s|^|&|" >"$work/x"; { printf '[weir]\nstore = %s/good.db\n' "$work"; cat "$work/x"; } >"$work/good.ini"
collect good | grep -q '^connect main: 2 facts read' || die "gone: not told"
collect good | grep -q '^connect main: 1 facts read' || die "gone: told twice"

# Credentials go where they belong, by either way; without them it says what to do.
printf 'user = user\npassword = env:PASS\n' | section locked | configure basic
collect basic | grep -q '2 facts read' || die "basic authentication"
printf 'token = env:PASS\n' | section locked | configure token
collect token | grep -q '2 facts read' || die "bearer token"
section locked </dev/null | configure locked

# Bad days: each fails within its second, in words, and nothing of it is kept.
for case in 'locked|answers 401: check user' 'silent|[Tt]imed\? \?out' 'drip|[Tt]imed\? \?out' \
	'huge|larger than 33554432 bytes' 'cut|transfer closed' 'half|no list of connectors' \
	'garbage|.' 'page|no list of connectors' 'moved|a redirect, which is not followed' \
	'409|a rebalance is under way' '404|no Connect REST API' '500|answers 500: worker says no' \
	'503|answers 503'; do
	mode=${case%%|*} wanted=${case#*|}
	[ "$mode" = locked ] || section "$mode" </dev/null | configure "$mode"
	began=$(date +%s%3N)
	out=$("$B/weir-collect" doctor --config "$work/$mode.ini" 2>&1) && die "$mode: all well? $out"
	took=$(($(date +%s%3N) - began))
	echo "$out" | grep -q "$wanted" || die "$mode: says $out"
	[ $took -lt 20000 ] || die "$mode: took $took ms"
	echo "$out" | grep -q hunter2 && die "$mode: a secret on the screen"
	out=$(collect "$mode") && die "$mode: --once succeeds"
	echo "$out" | grep -q '^connect main: 0 facts read' || die "$mode: facts of it: $out"
done

# Nothing is there at all.
configure none <<E
[connect main]
url = http://127.0.0.1:1
E
"$B/weir-collect" doctor --config "$work/none.ini" 2>&1 | grep -qi 'connect' || die "none"
printf '[connect main]\nurl = http://u:hunter2@127.0.0.1:1\n' | configure url
out=$("$B/weir-collect" doctor --config "$work/url.ini" 2>&1) && die "credentials in url"
echo "$out" | grep -q 'url holds credentials' || die "url: $out"
echo "$out" | grep -q hunter2 && die "url: a secret on the screen"

# No secret of a connector's configuration or trace is in any store.
for db in "$work"/*.db*; do grep -qa hunter2 "$db" && die "a secret in $db"; done

# The service stops at once while a worker is silent, which it is for half a minute.
printf 'poll = 1s\n' | section silent | sed 's/timeout = 1s/timeout = 60s/' | configure service
asked() { python3 -c 'import json, sys, urllib.request as r; print(json.load(r.urlopen(sys.argv[1]))["silent"])' "http://127.0.0.1:$port/seen"; }
before=$(asked)
more() { [ "$(asked)" -gt "$before" ]; }
"$B/weir-collect" --config "$work/service.ini" 2>/dev/null &
service=$!
wait_for "a question" more
began=$(date +%s%3N)
kill $service; wait $service || die "the service ends with $?"
[ $(($(date +%s%3N) - began)) -lt 20000 ] || die "it does not stop while a worker is silent"
