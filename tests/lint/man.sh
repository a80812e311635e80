#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual page: its template with the tables that the program itself tells.
set -eu
weir=$B/weir
tab=$(printf '\t')
quote() { sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^'/\\\\\&'/" -e 's/^\./\\\&./'; }
views() {
	"$weir" --dump views | quote | while IFS=$tab read -r name arg about; do
		[ -n "$about" ] || { about=$arg; arg=; }
		printf '.TP\n.B %s\n%s\n' "$name${arg:+ $arg}" "$about"
	done
}
actions() {
	last=
	"$weir" --dump actions | quote | while IFS=$tab read -r name keys group help; do
		[ "$group" = "$last" ] || printf '.SS %s\n' "$group"
		last=$group
		printf '.TP\n.BR %s " (" :%s )\n%s\n' "\"$keys\"" "$name" "$help."
	done
}
config() {
	last=
	"$weir" --dump config | quote | while IFS=$tab read -r section key default unit help; do
		[ -n "$help" ] || { help=$unit; unit=; }
		[ "$section" = "$last" ] || printf '.SS [%s]\n' "$section"
		last=$section
		printf '.TP\n.BR %s " = " "%s%s"\n%s\n' "$key" "$default" "${unit:+ ($unit)}" "$help"
	done
}
themes() { printf 'One of %s.\n' "$("$weir" --dump themes | tr '\n' ' ' | sed 's/ $//; s/ /, /g')"; }
while IFS= read -r line || [ -n "$line" ]; do
	case $line in
	@VIEWS@) views ;;
	@ACTIONS@) actions ;;
	@CONFIG@) config ;;
	@THEMES@) themes ;;
	*) printf '%s\n' "$line" | sed "s/@VERSION@/$("$weir" --version | sed 's/.* //')/" ;;
	esac
done <"$1"
