#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The console on a simulated estate in a folder of its own; nothing is left behind. KAFKA=host:port:
# its topics and readers are on that cluster, and are removed from it at the end.
set -eu
B=${B:-build/release}
KAFKA=${KAFKA:-}
dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-demo.XXXXXX")
estate=
clean() {
	[ -z "$estate" ] || kill "$estate" 2>/dev/null || true
	[ -z "$estate" ] || wait "$estate" 2>/dev/null || true
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP
if [ "$KAFKA" ]; then
	"$B/weir-estate" --dir "$dir/estate" --hours 24 --live --kafka "$KAFKA" >"$dir/estate.log" 2>&1 &
else
	"$B/weir-estate" --dir "$dir/estate" --hours 24 --live --streams >"$dir/estate.log" 2>&1 &
fi
estate=$!
# The past is there, and so are the streams, when the last of their addresses is.
tries=0
until [ -s "$dir/estate/connect" ] || [ $tries -ge 300 ]; do
	kill -0 "$estate" 2>/dev/null || break
	! grep -q 'no streams' "$dir/estate.log" || break
	sleep 0.1
	tries=$((tries + 1))
done
cat >"$dir/weir.ini" <<X
[weir]
store = $dir/weir.db
log = $dir/weir.log

[eventlog lakehouse]
path = $dir/estate/eventlog

[delta lakehouse]
root = $dir/estate/tables
X
if [ -s "$dir/estate/connect" ]; then
	prefix=${KAFKA:+weir-demo.}
	cat >>"$dir/weir.ini" <<X

[kafka demo]
brokers = ${KAFKA:-$(cat "$dir/estate/kafka")}
groups = ${prefix}connect-* ${prefix}audit-*
topics = ${prefix}cdc.* ${prefix}web.*
tables = ${prefix}cdc.shared.07
every = 5s

[checkpoint demo]
root = $dir/estate/checkpoints
kafka = demo
poll = 5s

[connect demo]
url = http://127.0.0.1:$(cat "$dir/estate/connect")
poll = 10s
X
else
	echo "demo: no streams: $(tail -1 "$dir/estate.log")" >&2
fi
"$B/weir-collect" --once --config "$dir/weir.ini" >/dev/null || true
if [ "${DEMO_KEEP:-}" ]; then echo "$dir"; fi
"$B/weir" --config "$dir/weir.ini" "$@"
