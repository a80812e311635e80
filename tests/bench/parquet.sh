#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A checkpoint of a million files, decoded by Weir's reader, DuckDB on one thread, and pyarrow; CPU seconds,
# the fastest of several turns, which take turns. Rows of the table in the form of bench.sh. ROWS sets the size.
set -eu
B=${B:-build/release}
ROWS=${ROWS:-1000000}
dir=build/bench
python=build/venv/bin/python
file=$PWD/$dir/checkpoint.$ROWS.parquet
mkdir -p $dir
row() { printf '%-52s %14s %14s  %s\n' "$1" "$2" "$3" "$4" | tee -a $dir/table.txt; }
calc() { awk "BEGIN { printf \"$1\", $2 }"; }
verdict() { awk "BEGIN { print ($1) ? \"ok\" : \"MISSED\" }"; }
least() { sort -n | head -1; }

[ -s "$file" ] || "$python" tests/bench/parquet.py make "$file" "$ROWS"
rm -f $dir/p.*
for turn in 1 2 3; do
	"$B/bench/bench_parquet" "$file" 5 >>$dir/p.weir
	"$python" tests/bench/parquet.py duckdb "$file" 5 >>$dir/p.duckdb
done
"$python" tests/bench/parquet.py pyarrow "$file" 1 >$dir/p.pyarrow
for peer in weir duckdb; do cut -d' ' -f2,3 $dir/p.$peer | sort -u >$dir/p.$peer.sum; done
cmp -s $dir/p.weir.sum $dir/p.duckdb.sum || { echo "parquet: the sums differ" >&2; exit 1; }
weir=$(cut -d' ' -f1 $dir/p.weir | least)
duck=$(cut -d' ' -f1 $dir/p.duckdb | least)
arrow=$(cut -d' ' -f1 $dir/p.pyarrow)
bytes=$(stat -c %s "$file")
row "Parquet checkpoint, $ROWS adds, CPU s" "$weir" '' ''
row 'Parquet checkpoint, MB/s of the file' "$(calc %.0f "$bytes/1e6/$weir")" '' ''
row 'Parquet checkpoint, CPU / DuckDB, 1 thread' "$(calc %.2f "$weir/$duck")" '<= 1.0' "$(verdict "$weir/$duck <= 1.0")"
row 'Parquet checkpoint, CPU / pyarrow, 1 thread' "$(calc %.2f "$weir/$arrow")" '' ''
row 'Parquet checkpoint, most MB held by the reader' "$(calc %.0f "$(cut -d' ' -f4 $dir/p.weir | tail -1)/1e6")" '' ''
