#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command line itself: what it refuses, output that cannot be written, what it leaves behind.
. tests/cli/lib.sh
mkdir "$work/log" "$work/tmp"
name='a\u009b31mb\u202ec\u007fd\u00e9'
cat >"$work/log/one.json" <<X
{"id":"a","timestamp":"2026-03-02T09:00:00.000Z","origin":{"pipeline_id":"p","pipeline_name":"$name","update_id":"u"},"event_type":"create_update","level":"INFO","message":"$name","details":{"create_update":{"cause":"USER_ACTION"}}}
X
configure one <<X
[eventlog one]
path = $work/log
X
collect one >/dev/null
run() { # wanted status, arguments
	wanted=$1; shift
	status=0
	weir "$@" --config "$work/one.ini" >"$work/out" 2>"$work/err" || status=$?
	[ $status = "$wanted" ] || die "weir $*: status $status, not $wanted: $(cat "$work/err")"
}
says() { grep -qF -- "$1" "$work/err" || die "not said: $1, but: $(cat "$work/err")"; }

# Words and options.
run 0 estate --print
run 2 estate nobody --print
says 'one word too many: nobody'
run 2 dump all
says 'one word too many: all'
run 2 dump --filter x
says 'weir dump is all there is, as JSON'
run 2 dump --csv
run 0 dump --json
run 2 estate --print --plain=no
says '--plain takes no value'
run 2 estate --json=yes
says '--json takes no value'
run 2 estate --nonsense
says 'unknown option --nonsense'
run 2 estate --width
run 2 event 1 --json --filter x
says 'event has no rows to filter'
run 2 estate --json --filter 'a b c d e f g h i j k l m n o p q'
says '--filter takes at most 16 words'
run 2 estate --json --filter "$(printf '%0600d' 0)"
weir quality --print --config "$work/one.ini" -- -none- >/dev/null 2>"$work/err" || die "--: $(cat "$work/err")"
weir updates --json --config "$work/one.ini" -- --json >"$work/out" 2>"$work/err" || die "--: $(cat "$work/err")"
cd "$work"
mkdir -p -- -table/_delta_log
if weir table detail -- -table >/dev/null 2>"$work/err"; then die "a table without commits is described"; fi
grep -q 'does not know' "$work/err" && die "a word behind -- is an option: $(cat "$work/err")"
cd - >/dev/null
for help in "--help" "check --help" "check lag -h" "table --help"; do
	weir $help >"$work/out" || die "$help: status $?"
	grep -q weir "$work/out" || die "$help says nothing"
done

# A store in which nothing was seen by then is no store of readers that are well.
run 3 check lag --as-of 2001-01-01T00:00:00Z
grep -q '^UNKNOWN nothing was collected yet' "$work/out" || die "check: $(cat "$work/out")"

# The first moment of all is a moment, too.
run 0 estate --json --as-of 1970-01-01T00:00:00Z
grep -q '"pipelines": \[\]' "$work/out" || die "1970 is taken for now: $(cat "$work/out")"

# A theme that is none.
for theme in nosuch darkk "$(printf '%0100d' 0)"; do
	printf '[weir]\ntheme = %s\n[eventlog one]\npath = %s/log\n' "$theme" "$work" >"$work/theme.ini"
	status=0
	weir check-config --config "$work/theme.ini" >"$work/out" 2>"$work/err" || status=$?
	[ $status = 2 ] || die "theme = $theme: status $status"
	says "theme.ini: theme: "
	if weir --config "$work/theme.ini" --store "$work/one.db" >"$work/out" 2>"$work/err"; then die "$theme"; fi
	says "theme"
done
grep -q terminal "$work/err" && die "a theme's long name is passed over: $(cat "$work/err")"
sed -i "s/^theme = .*/theme = dark/" "$work/theme.ini"
weir check-config --config "$work/theme.ini" >/dev/null || die "dark is a theme"

# What cannot be written is said.
table=$work/table
mkdir -p "$table/_delta_log"
cat >"$table/_delta_log/00000000000000000000.json" <<'X'
{"commitInfo":{"timestamp":1772442000000,"operation":"CREATE TABLE"}}
{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"metaData":{"id":"t","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{"evil":"a\u009bb"}}}
X
for command in "estate --print" "quality --csv" "events --json" "dump" "--help" "--version" "--dump keys" \
	"table detail $table" "table history $table --json" "history $table --json" "check lag" "table --help"; do
	config="--config $work/one.ini"
	case $command in table*|history*|--*) config=''; esac
	status=0
	weir $command $config >/dev/full 2>"$work/err" || status=$?
	[ $status != 0 ] || die "$command >/dev/full: status 0"
	grep -q 'weir: .*No space left on device' "$work/err" || die "$command >/dev/full: $(cat "$work/err")"
done

# JSON that lands on a terminal: nothing of it is an order, and all of it is there.
for command in "estate --json" "events --json" "pipelines --json" "dump"; do
	run 0 $command
	python3 - "$work/out" <<'X' || die "$command"
import json, sys
data = open(sys.argv[1], encoding="utf-8").read()
bad = [c for c in data if c in "\x7f\x9b\u202e\x1b"]
assert not bad, bad
rows = [json.loads(data)] if data.startswith("{\n") else [json.loads(line) for line in data.splitlines()]
assert "a\x9b31mb\u202ec\x7fd\u00e9" in json.dumps(rows, ensure_ascii=False), data
assert "d\u00e9" in data, "more is escaped than must be"
X
done
weir table detail "$table" --json >"$work/out"
grep -q 'a\\u009bb' "$work/out" || die "table detail: $(cat "$work/out")"

# Names that are no UTF-8, and versions as large as they get.
odd=$work/$(printf 'ta\377ble')
cp -r "$table" "$odd"
cp "$odd/_delta_log/00000000000000000000.json" "$odd/_delta_log/00000000000000000001.json"
for command in "diff 0..1" history schema "version 1"; do
	set -- $command
	weir "$1" "$odd" ${2+"$2"} --json >"$work/out" 2>"$work/err" || die "$command: $(cat "$work/err")"
	python3 -c 'import json, sys; json.load(open(sys.argv[1], encoding="utf-8"))' "$work/out" || die "$command"
done
weir table detail "$odd" --json | python3 -c 'import json, sys; json.load(sys.stdin)' || die "table detail"
if weir diff "$odd" 0..9223372036854775807 --json >"$work/out" 2>"$work/err"; then die "a version that is none"; fi
says 'which versions?'

# A history of a path keeps its store nowhere: not when its reader leaves, nor on Ctrl-C.
i=1
while [ $i -le 400 ]; do
	printf '{"commitInfo":{"timestamp":%d,"operation":"%s","operationParameters":{"predicate":"%0400d"}}}\n' \
		$((1772442000000 + i)) WRITE $i >"$table/_delta_log/$(printf %020d $i).json"
	i=$((i + 1))
done
export TMPDIR="$work/tmp"
weir history "$table" --json | head -1 >/dev/null
[ -z "$(ls "$work/tmp")" ] || die "left behind by a closed pipe: $(ls "$work/tmp"/*)"
mkfifo "$work/pipe"
weir_pid=
"$B/weir" history "$table" --json >"$work/pipe" & weir_pid=$!
exec 3<"$work/pipe"
wait_for "a store" sh -c "ls $work/tmp/*/weir.db"
kill -TERM $weir_pid
wait $weir_pid && die "SIGTERM was not heard"
exec 3<&-
[ -z "$(ls "$work/tmp")" ] || die "left behind by SIGTERM: $(ls "$work/tmp"/*)"
TMPDIR= weir history "$table" --json >"$work/out" || die "an empty TMPDIR"
exit 0
