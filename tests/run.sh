#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs tests and ends with "N passed, N failed". Arguments: parts of names; none = all.
#   programs   $B/tests/**/*_test       one verdict for each case inside (cmocka); 77 = skipped
#   seeds      $B/seeds_*               one verdict each: every seed of a fuzzer, once
#   scripts    tests/{interop,cli}/*.sh, tests/kafka/*_test.sh
#                                       one verdict each by exit status; 77 = skipped, loudly
set -u
B=${B:-build/release}
CORPUS=${CORPUS:-../shared/data}
export B CORPUS MODE
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
export TZ=UTC LC_ALL=C.UTF-8
unset NO_COLOR WEIR_CONFIG 2>/dev/null
passed=0 failed=0 skipped=0
log=$B/test.log times=$B/test.times # what they said; the seconds that each took
: >"$log"
: >"$times"
[ -d "$CORPUS" ] || echo "tests: NO CORPUS at $CORPUS: tests on real data are skipped (set CORPUS=)"

wanted() {
	[ $# -eq 1 ] && return 0
	name=$1; shift
	for part; do case $name in *"$part"*) return 0 ;; esac; done
	return 1
}

for program in $(find "$B/tests" -name '*_test' -type f -perm -u+x 2>/dev/null | sort); do
	name=${program#"$B/tests/"}
	wanted "$name" "$@" || continue
	from=$(date +%s)
	CMOCKA_MESSAGE_OUTPUT=STDOUT timeout 600 "$program" >"$log.one" 2>&1
	status=$?
	echo "$(($(date +%s) - from)) $name" >>"$times"
	good=$(grep -c '^\[       OK \]' "$log.one")
	bad=$(sed -n 's/^\[  FAILED  \] \(.*: \)\?\([0-9]*\) test(s).*/\2/p' "$log.one" | tail -1)
	bad=${bad:-0}
	if [ $status -eq 77 ]; then
		skipped=$((skipped + 1)); echo "SKIPPED $name: $(tail -1 "$log.one")"
		continue
	fi
	if [ $status -ne 0 ] && [ "$bad" = 0 ]; then bad=1; fi
	passed=$((passed + good)) failed=$((failed + bad))
	if [ "$bad" != 0 ]; then
		echo "FAIL $name (exit $status)"
		grep -vE '^\[ (RUN|      OK )' "$log.one" | tail -40 | sed 's/^/  | /'
	fi
	cat "$log.one" >>"$log"
done
run_one() {
	label=$1; shift
	from=$(date +%s)
	timeout 900 "$@" >"$log.one" 2>&1
	status=$?
	echo "$(($(date +%s) - from)) $label" >>"$times"
	case $status in
	0) passed=$((passed + 1)) ;;
	77) skipped=$((skipped + 1)); echo "SKIPPED $label: $(tail -1 "$log.one")" ;;
	*) failed=$((failed + 1)); echo "FAIL $label (exit $status)"; tail -40 "$log.one" | sed 's/^/  | /' ;;
	esac
	cat "$log.one" >>"$log"
}
for program in $(find "$B" -maxdepth 1 -name 'seeds_*' -type f -perm -u+x 2>/dev/null | sort); do
	name=$(basename "$program")
	wanted "$name" "$@" || continue
	kind=${name#seeds_fuzz_}
	case $kind in
	eventlog) more=$CORPUS/eventlog ;;
	delta | parquet) more=$CORPUS/delta/tables ;;
	*) more= ;;
	esac
	# shellcheck disable=SC2086
	run_one "$name" "$program" "tests/fuzz/seeds/$kind" $more
done
for script in tests/interop/*.sh tests/cli/*.sh tests/kafka/*_test.sh; do
	case $script in */lib.sh) continue ;; esac
	[ -e "$script" ] || continue
	wanted "$script" "$@" || continue
	run_one "$script" sh "$script"
done
rm -f "$log.one"
if [ $skipped -gt 0 ] && [ "${CI:-}" = true ]; then
	echo "tests: nothing may be skipped here"
	failed=$((failed + skipped))
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
