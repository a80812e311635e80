#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# [keys] of the configuration: the console reads it, the collector passes over it.
. tests/cli/lib.sh
mkdir "$work/log"
keys() { # lines of [keys] on standard input
	{ printf '[eventlog a]\npath = %s/log\n[keys]\n' "$work"; cat; } | configure one
}
says() { # what the error has to say
	if weir check-config --config "$work/one.ini" >"$work/out" 2>"$work/err"; then die "taken: $1"; fi
	grep -qF "$1" "$work/err" || die "$(cat "$work/err") and not $1"
}
keys <<X
quit = Q, <F10>
next-error = <Comma>
X
weir check-config --config "$work/one.ini" >"$work/out" 2>&1 || die "$(cat "$work/out")"
collect one >/dev/null || die "the collector does not read it"
weir estate --print --config "$work/one.ini" >/dev/null || die "print does not read it"
keys <<X
quti = Q
X
says "one.ini:6: unknown action \"quti\" in [keys]; did you mean \"quit\"?"
keys <<X
quit = Q
refresh = R, Q
X
says "one.ini:7: keys of refresh: Q is given to quit already"
keys <<X
quit = <Entr>
X
says "one.ini:6: keys of quit: unknown key <Entr>; did you mean <Enter>?"
