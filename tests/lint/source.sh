#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rules that a reader would otherwise have to check by eye.
set -eu
bad=0
say() { echo "lint: $1"; bad=1; }
files=$(find base store collectors tui views tests -name '*.[ch]' -not -path '*/build/*' | sort)
product=$(find base store collectors tui views -name '*.[ch]' | sort)
for file in $files; do
	head -1 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || say "$file: no license line"
	long=$(awk 'length($0) > 110 {print FNR; exit}' "$file")
	[ -z "$long" ] || case $file in tests/bench/*) true ;; base/utf8_tables.h) true ;; *) false ;; esac || say "$file:$long: line longer than 110 columns"
	case $file in *.h)
		guard=$(echo "$file" | tr 'a-z/.' 'A-Z__')
		grep -q "#ifndef $guard" "$file" || say "$file: include guard should be $guard" ;;
	esac
done
# Banned functions: unbounded copies, hidden state, and the clock anywhere but in base.
for file in $product; do
	found=$(grep -nE '(^|[^_a-zA-Z])(strcpy|strcat|sprintf|vsprintf|strncpy|gets|atoi|atol|strtok|system|popen|alloca)\(' "$file" || true)
	[ -z "$found" ] || say "$file: banned function: $found"
	case $file in base/clock.c) ;; *)
		found=$(grep -nE '(^|[^_a-zA-Z])(time|gettimeofday|clock_gettime)\(' "$file" || true)
		[ -z "$found" ] || say "$file: time is passed, not fetched: $found" ;;
	esac
	case $file in tui/main.c | tui/cli*.c | tui/child.c | collectors/main*.c | base/mem.c | tui/term*.c) ;; *)
		found=$(grep -nE '(^|[^_a-zA-Z])(exit|_exit|abort|printf|puts)\(' "$file" || true)
		[ -z "$found" ] || say "$file: only mains exit and print: $found" ;;
	esac
	found=$(grep -nE '^[^"]*[^:"]//|(^|[^A-Za-z])(TODO|FIXME|XXX)([^A-Za-z]|$)' "$file" | grep -v 'http' || true)
	[ -z "$found" ] || say "$file: // comment or unfinished note: $found"
done
# Lengths are a reason to look twice; twice the measure is a reason to split.
for file in $product; do
	lines=$(wc -l <"$file")
	[ "$lines" -le 1000 ] || say "$file: $lines lines"
	awk -v file="$file" '
		/^[a-zA-Z].*\)$/ || /^[a-zA-Z].*,$/ { name = $0 }
		/^\{/ { start = FNR }
		/^\}/ { if (start && FNR - start > 130) { printf "lint: %s:%d: function of %d lines\n", file, start, FNR - start; bad = 1 } start = 0 }
		END { exit bad }' "$file" || bad=1
done
# Every front header begins with what it is for.
for file in $(find base store collectors tui views -name '*.h' | grep -v -e tables.h); do
	grep -q '^/\*$\|^ \*\|^/\* ' "$file" || say "$file: says nothing about itself"
done
exit $bad
