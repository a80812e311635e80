#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The collector as scripts, systemd and the console meet it.
. tests/cli/lib.sh
c="$B/weir-collect"
now_ms() { date +%s%3N; }
event() { # number: one event as a line
	printf '{"id":"00000000-0000-4000-8000-%012d","timestamp":"2026-03-02T00:00:00Z","level":"INFO","event_type":"user_action","message":"m","origin":{"pipeline_id":"p"},"details":{"user_action":{"action":"START"}}}\n' "$1"
}
events() { "$c" dump --config "$work/one.ini" | grep -c '"kind":"event"'; }
has_events() { [ "$(events)" = "$1" ]; }
mkdir "$work/log"

# --once: a line a source, status 0; what is broken is counted and the rest goes on
configure one <<X
log = $work/log.txt
[eventlog grow]
path = $work/log/x.json
[eventlog later]
path = $work/log/none-*.json
X
{ event 1; echo 'not JSON'; event 2; event 2; printf '{"id": "half'; } >"$work/log/x.json"
out=$(collect one)
echo "$out" | grep -qE '^eventlog grow: 3 facts read, 2 new, 1 undecodable, [0-9.]+ s$' || die "once: $out"
echo "$out" | grep -qE '^eventlog later: 0 facts read, 0 new, 0 undecodable, [0-9.]+ s; nothing is at .*/log/none-\*.json yet' || die "once: $out"
collect one | grep -q '^eventlog grow: 0 facts read, 0 new' || die "read twice"

# the service follows, holds the lock, and is gone within a second of SIGTERM
start() { # sets $service
	lines=$(grep -c 'sources into' "$work/log.txt" || true)
	"$c" --config "$work/one.ini" &
	service=$!
	wait_for "the lock" started
}
started() { [ "$(grep -c 'sources into' "$work/log.txt")" -gt "${lines:-0}" ]; }
stop() { # sets $took, milliseconds
	took=$(now_ms)
	kill -TERM $service
	wait $service || die "SIGTERM: status $?"
	took=$(($(now_ms) - took))
}
start
printf '"}\n' >>"$work/log/x.json"
event 3 >>"$work/log/x.json"
wait_for "a line that was appended" has_events 3
if collect one 2>"$work/err"; then die "two collectors at once"; fi
grep -q "process $service" "$work/err" || die "who holds it? $(cat "$work/err")"
stop
for try in 1 2 3 4; do # a busy machine may be slow once
	[ $took -ge 1000 ] || break
	start
	stop
done
[ $took -lt 1000 ] || die "stopped after $took ms"

# --child ends with what started it, and says nothing on the terminal
sh -c '"$0" --child --config "$1" 2>"$2" & echo $! >"$3"; sleep 0.5' "$c" "$work/one.ini" "$work/child.err" "$work/child.pid"
child=$(cat "$work/child.pid")
gone() { ! kill -0 "$child"; }
wait_for "the child's end" gone
[ ! -s "$work/child.err" ] || die "child said: $(cat "$work/child.err")"

# configuration and doctor
"$c" check-config --config "$work/one.ini" | grep -q '2 sources' || die "check-config"
printf '[eventlog x]\npth = /x\n' >"$work/bad.ini"
status=0; "$c" --once --config "$work/bad.ini" 2>"$work/err" || status=$?
[ $status = 2 ] || die "bad configuration: status $status"
grep -q 'bad.ini:2: unknown key "pth" in \[eventlog\]; did you mean "path"?' "$work/err" || die "$(cat "$work/err")"
status=0; "$c" doctor --config "$work/one.ini" >"$work/out" || status=$?
[ $status = 1 ] || die "doctor: status $status: $(cat "$work/out")"
grep -q '^MEND  eventlog later' "$work/out" || die "doctor: $(cat "$work/out")"
grep -q '^ok    eventlog grow' "$work/out" || die "doctor: $(cat "$work/out")"
status=0; "$c" doctor --config "$work/bad.ini" >"$work/out" || status=$?
[ $status = 2 ] || die "doctor of a bad configuration: status $status"
echo 'this is no database, but long enough to have a header of its own' >"$work/broken.db"
status=0; "$c" doctor --config "$work/one.ini" --store "$work/broken.db" >"$work/out" || status=$?
[ $status = 2 ] || die "doctor of a damaged store: status $status: $(cat "$work/out")"
status=0; "$c" --nonsense 2>/dev/null || status=$?
[ $status = 2 ] || die "unknown argument: status $status"
"$c" --version | grep -q '^weir-collect [0-9]' || die "version"
