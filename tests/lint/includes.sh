#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who may include whom, as data. First table: room, rooms whose headers it may include. Second:
# library header, files that may include it (shell patterns).
set -eu
bad=0
rooms='
base:base
store:base store gen
collectors:base store collectors
operations:base store collectors operations
tui:base tui gen
views:base tui store operations views
'
exceptions='
tui/main.c *
tui/cli* *
tui/child* base tui
collectors/delta/* base store collectors
'
libraries='
sqlite3.h store/*.c store/*.h
curses.h tui/term*.c tui/term_state.h
ncurses.h tui/term*.c
term.h tui/term*.c
termios.h tui/term*.c tui/term_state.h
curl/curl.h collectors/http*.c
librdkafka/rdkafka.h collectors/kafka/sweeper*.c collectors/kafka/sweeper*.h
jansson.h collectors/*.c collectors/*.h collectors/*/*.c collectors/*/*.h views/*.c views/*.h store/*.c store/*.h
pthread.h store/*.c store/*.h collectors/collector*.c collectors/collector*.h base/log.c
zlib.h collectors/delta/parquet/*.c collectors/*/*.c collectors/*/*.h store/*.c
zstd.h store/*.c store/*.h collectors/delta/parquet/*.c
lz4.h collectors/delta/parquet/*.c
snappy-c.h collectors/delta/parquet/*.c
'
say() { echo "lint: $1"; bad=1; }
allowed() { # room or file -> list
	while read -r pattern list; do
		[ -n "$pattern" ] || continue
		# shellcheck disable=SC2254
		case $1 in $pattern) echo "$list"; return ;; esac
	done <<X
$exceptions
X
	printf '%s\n' "$rooms" | sed -n "s/^${1%%/*}://p"
}
for file in $(find base store collectors tui views -name '*.[ch]' | sort); do
	list=$(allowed "$file")
	for included in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file"); do
		[ "$list" = '*' ] && break
		room=${included%%/*}
		case " $list " in *" $room "*) ;; *) say "$file includes $included: ${file%%/*} may include only $list" ;; esac
		case $file:$included in
		views/*:store/reader.h | views/*:store/lag.h | views/*:store/fact.h | views/*:store/redact.h) ;;
		views/*:store/*) say "$file includes $included: views see only store/reader.h, store/lag.h and store/fact.h" ;;
		esac
	done
	for included in $(sed -n 's/^#include <\([^>]*\)>.*/\1/p' "$file"); do
		patterns=$(printf '%s\n' "$libraries" | sed -n "s|^$included ||p")
		[ -n "$patterns" ] || continue
		good=no
		for pattern in $patterns; do
			# shellcheck disable=SC2254
			case $file in $pattern) good=yes ;; esac
		done
		[ $good = yes ] || say "$file includes <$included>: only $patterns may"
	done
done
exit $bad
