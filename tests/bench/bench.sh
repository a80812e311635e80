#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Weir against limits and peers in one run; a table of ratios at the end. EVENTS sets the size.
set -eu
B=${B:-build/release}
EVENTS=${EVENTS:-500000}
dir=build/bench
python=build/venv/bin/python
mkdir -p $dir
table=$dir/table.txt
: >$table
row() { printf '%-52s %14s %14s  %s\n' "$1" "$2" "$3" "$4" | tee -a $table; }
say() { printf '== %s\n' "$*"; }
now() { date +%s.%N; }
calc() { awk "BEGIN { printf \"$1\", $2 }"; }
verdict() { awk "BEGIN { print ($1) ? \"ok\" : \"MISSED\" }"; }

say "events: $EVENTS"
log=$dir/events.$EVENTS.ndjson
[ -s "$log" ] || "$B/bench/gen_events" "$EVENTS" >"$log"
bytes=$(stat -c %s "$log")
head -n 100000 "$log" >$dir/head.ndjson
heads=$(wc -l <$dir/head.ndjson)

ingest() { # store name, log -> seconds
	rm -f $dir/"$1".db*
	printf '[weir]\nstore = %s/%s.db\n[eventlog bench]\npath = %s\n' "$PWD/$dir" "$1" "$PWD/$2" >$dir/"$1".ini
	t0=$(now)
	"$B/weir-collect" --once --config $dir/"$1".ini >$dir/"$1".out
	t1=$(now)
	calc '%.3f\n' "$t1 - $t0"
}
median() { sort -n | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }

say 'parse: scanner against jansson'
"$B/bench/bench_parse" $dir/head.ndjson | tee $dir/parse.txt
ratio() { awk -v name="$1" '$1 == name { print $4 }' $dir/parse.txt; }
row 'scanner, projection alone / jansson, events/s' "$(ratio project)" '>= 35' "$(verdict "$(ratio project) >= 35")"
row 'scanner, facts made and interned / jansson' "$(ratio scan)" '' ''
if command -v valgrind >/dev/null; then
	for reader in lines project scan jansson; do
		for n in 3000 6000; do
			head -n $n $dir/head.ndjson >$dir/slope.ndjson
			valgrind --tool=callgrind --callgrind-out-file=/dev/null "$B/bench/bench_parse" $dir/slope.ndjson $reader 2>&1 |
				sed -n 's/.*Collected : \([0-9]*\).*/\1/p' >$dir/slope.$n
		done
		calc %.0f "($(cat $dir/slope.6000)-$(cat $dir/slope.3000))/3000" >$dir/slope.$reader
	done
	slope() { calc %.0f "$(cat $dir/slope."$1")-$(cat $dir/slope.lines)"; }
	row 'scanner, projection alone, instructions an event' "$(slope project)" '' ''
	row 'jansson / projection, instructions' "$(calc %.1f "$(slope jansson)/$(slope project)")" '>= 25' "$(verdict "$(slope jansson) >= 25*$(slope project)")"
	row 'jansson / facts made and interned, instructions' "$(calc %.1f "$(slope jansson)/$(slope scan)")" '>= 25' "$(verdict "$(slope jansson) >= 25*$(slope scan)")"
fi

say 'ingest, in turns with peers'
for turn in 1 2 3; do
	ingest main "$log" >>$dir/t.weir
	[ $turn = 1 ] && : >$dir/t.duckdb
	"$python" tests/bench/peers.py duckdb "$log" $dir/peer.duckdb >>$dir/t.duckdb
done
weir=$(tail -3 $dir/t.weir | median)
duck=$(tail -3 $dir/t.duckdb | median)
whead=$(for turn in 1 2 3; do ingest head $dir/head.ndjson; done | median)
python_s=$("$python" tests/bench/peers.py python $dir/head.ndjson $dir/peer.sqlite)
jq_s=$(command -v jq >/dev/null && "$python" tests/bench/peers.py jq $dir/head.ndjson $dir/peer.json || echo)
row 'what' 'measured' 'goal' ''
row "ingest, $EVENTS events, s" "$weir" '' ''
row 'ingest, events/s' "$(calc %.0f "$EVENTS/$weir")" '' ''
row 'wall / DuckDB, 2 threads, into a file' "$(calc %.3f "$weir/$duck")" '<= 0.50' "$(verdict "$weir/$duck <= 0.5")"
row 'wall / Python json+sqlite3 (100 k)' "$(calc %.3f "$whead/$python_s")" '<= 0.12' "$(verdict "$whead/$python_s <= 0.12")"
[ -z "$jq_s" ] || row 'wall / jq -c (100 k)' "$(calc %.3f "$whead/$jq_s")" '<= 0.05' "$(verdict "$whead/$jq_s <= 0.05")"

say 'each stage alone'
ONCE=1 "$B/bench/bench_insert" "$log" $dir/insert.db | tee $dir/insert.txt
stage=$(awk '/^events/ { d = $5; s = $9; print (d > s) ? d : s }' $dir/insert.txt)
rm -f $dir/insert.db*
row 'durable ingest / the slower of parse and insert alone' "$(calc %.2f "$stage/$weir")" '>= 0.75' "$(verdict "$stage/$weir >= 0.75")"

say 'size on disk'
db=$(stat -c %s $dir/main.db)
raw=$(sqlite3 $dir/main.db "select coalesce(sum(pgsize),0) from dbstat where name in ('raw')" 2>/dev/null || echo 0)
row 'store / NDJSON, beside raw payloads' "$(calc %.2f%% "100*($db-$raw)/$bytes")" '<= 7%' "$(verdict "($db-$raw)/$bytes <= 0.07")"
row 'raw payloads kept, bytes/event' "$(calc %.0f "$raw/$EVENTS")" '' ''

say 'reading the same log again'
cp $dir/main.ini $dir/again.ini
before=$(sqlite3 $dir/main.db 'select count(*) from event')
ln -f "$log" $dir/again.ndjson 2>/dev/null || cp "$log" $dir/again.ndjson
printf '[weir]\nstore = %s/main.db\n[eventlog again]\npath = %s/again.ndjson\n' "$PWD/$dir" "$PWD/$dir" >$dir/again.ini
t0=$(now); "$B/weir-collect" --once --config $dir/again.ini >/dev/null; t1=$(now)
after=$(sqlite3 $dir/main.db 'select count(*) from event')
row 'rows added by reading it again' "$((after - before))" '0' "$(verdict "$after == $before")"
row 'reading again / reading the first time' "$(calc %.2f "($t1-$t0)/$weir")" '<= 1.0' "$(verdict "($t1-$t0)/$weir <= 1.0")"

if command -v valgrind >/dev/null; then
	say 'instructions an event (slope between 20,000 and 60,000 events)'
	for n in 20000 60000; do
		head -n $n $dir/head.ndjson >$dir/slope.ndjson
		rm -f $dir/slope.db*
		printf '[weir]\nstore = %s/slope.db\nvisible_within = 1h\n[eventlog bench]\npath = %s/slope.ndjson\n' "$PWD/$dir" "$PWD/$dir" >$dir/slope.ini
		valgrind --tool=callgrind --callgrind-out-file=/dev/null "$B/weir-collect" --once --config $dir/slope.ini 2>&1 |
			sed -n 's/.*Collected : \([0-9]*\).*/\1/p' >$dir/slope.$n
	done
	slope=$(calc %.0f "($(cat $dir/slope.60000)-$(cat $dir/slope.20000))/40000")
	row 'instructions an event, parse to store' "$slope" '<= 24000' "$(verdict "$slope <= 24000")"
fi
[ ! -x "$B/bench/bench_readers" ] || { say 'eight readers beside ingest'; "$B/bench/bench_readers" "$B" $dir "$log" "$weir" | tee -a $table; }
[ ! -x "$B/bench/bench_console" ] || { say 'console'; "$B/bench/bench_console" "$B/weir" $dir/main.db | tee -a $table; }
say 'streams'
rm -f $dir/day.db* $dir/wide.db*
"$B/bench/bench_streams" day $dir/day.db 10 | tee $dir/streams.txt || true
day=$(sed -n 's/^a day at a sweep every [0-9]* s: \([0-9.]*\) MB.*/\1/p' $dir/streams.txt)
row 'a day of 35 topics, 40 readers, 4,025 tables inside, MB' "$day" '< 100' "$(verdict "$day < 100")"
"$B/bench/bench_streams" wide $dir/wide.db | tee $dir/streams.txt
p99=$(sed -n 's/.*p99 \([0-9]*\) ms/\1/p' $dir/streams.txt)
row 'lag of 50 groups x 4,000 partitions, p99 of CPU ms' "$p99" '<= 250' "$(verdict "$p99 <= 250")"
rm -f $dir/day.db* $dir/wide.db*
say 'Parquet'
B=$B sh tests/bench/parquet.sh
say 'Kafka'
B=$B sh tests/bench/kafka.sh
say 'table'
cat $table
