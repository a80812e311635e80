#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The console on a simulated estate in a folder of its own; nothing is left behind.
set -eu
B=${B:-build/release}
dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-demo.XXXXXX")
estate=
clean() {
	[ -z "$estate" ] || kill "$estate" 2>/dev/null || true
	[ -z "$estate" ] || wait "$estate" 2>/dev/null || true
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP
cat >"$dir/weir.ini" <<X
[weir]
store = $dir/weir.db
log = $dir/weir.log

[eventlog lakehouse]
path = $dir/estate/eventlog

[delta lakehouse]
root = $dir/estate/tables
X
"$B/weir-estate" --dir "$dir/estate" --hours 24 --live >"$dir/estate.log" 2>&1 &
estate=$!
# The past is there when the program says so: its first line of output.
tries=0
until [ -s "$dir/estate.log" ] || [ $tries -ge 100 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
"$B/weir-collect" --once --config "$dir/weir.ini" >/dev/null
if [ "${DEMO_KEEP:-}" ]; then echo "$dir"; fi
"$B/weir" --config "$dir/weir.ini" "$@"
