# SPDX-License-Identifier: Apache-2.0
# For the scripts beside it: a folder that goes away, and short words for the programs.
set -eu
B=${B:-build/release}
CORPUS=${CORPUS:-../shared/data}
B=$(cd "$B" && pwd)
[ ! -d "$CORPUS" ] || CORPUS=$(cd "$CORPUS" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/weir-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
export HOME="$work" XDG_CONFIG_HOME="$work/config" XDG_STATE_HOME="$work/state" TZ=UTC
die() { echo "$*" >&2; exit 1; }
configure() { # name of a store; further lines on standard input
	{ printf '[weir]\nstore = %s/%s.db\n' "$work" "$1"; cat; } >"$work/$1.ini"
}
wait_for() { # what, command: until it succeeds; $hint: a file that explains why not
	what=$1 until=$(($(date +%s) + 120)); shift # a busy machine may need part of it
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt $until ] || die "waited in vain: $what${hint:+: $(tail -c 4000 "$hint")}"
		sleep 0.1
	done
}
collect() { "$B/weir-collect" --once --config "$work/$1.ini"; }
weir() { "$B/weir" "$@"; }
