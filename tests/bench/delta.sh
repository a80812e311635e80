#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Delta logs against delta-rs in one run: open a table and list its files. COMMITS and FILES set the
# sizes of the two generated tables; the corpus's large logs are added where it is there.
set -eu
B=${B:-build/release}
COMMITS=${COMMITS:-100000}
FILES=${FILES:-1000000}
CORPUS=${CORPUS:-../shared/data}
python=build/venv/bin/python
dir=build/bench/delta
mkdir -p $dir
row() { printf '%-58s %12s %12s  %s\n' "$1" "$2" "$3" "$4"; }
calc() { awk "BEGIN { printf \"$1\", $2 }"; }
verdict() { awk "BEGIN { print ($1) ? \"ok\" : \"MISSED\" }"; }
median() { sort -n | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }

made() { # name commits adds removes
	[ -e "$dir/$1/done" ] && return
	rm -rf "${dir:?}/$1"
	"$B/bench/gen_delta" "$dir/$1" "$2" "$3" "$4"
	: >"$dir/$1/done"
}
against() { # label table
	rm -f $dir/ours $dir/theirs $dir/read
	"$B/bench/bench_delta" read "$2" >/dev/null # both find the log in memory
	for turn in 1 2 3; do
		"$B/bench/bench_delta" read "$2" >>$dir/read
		"$B/bench/bench_delta" open "$2" >>$dir/ours
		[ $turn -gt 1 ] && [ "$(awk '{print ($3 > 20000)}' $dir/theirs | tail -1)" = 1 ] && continue
		"$python" tests/bench/delta_peer.py "$2" >>$dir/theirs
	done
	[ "$(awk '{print $2; exit}' $dir/ours)" = "$(awk '{print $2; exit}' $dir/theirs)" ] ||
		row "$1: files differ from delta-rs's" '' '' MISSED
	wall=$(awk '{print $3}' $dir/ours | median) their_wall=$(awk '{print $3}' $dir/theirs | median)
	cpu=$(awk '{print $4}' $dir/ours | median) read_cpu=$(awk '{print $4}' $dir/read | median)
	peak=$(awk '{print $5}' $dir/ours | median) their_peak=$(awk '{print $5 - $6}' $dir/theirs | median)
	row "$1: ms, delta-rs's ms" "$wall" "$their_wall" ''
	row "$1: time / delta-rs" "$(calc %.3f "$wall/$their_wall")" '<= 0.5' "$(verdict "$wall <= 0.5*$their_wall")"
	row "$1: peak KB (delta-rs's without Python)" "$peak" "$their_peak" ''
	row "$1: memory / delta-rs" "$(calc %.3f "$peak/$their_peak")" '<= 0.25' "$(verdict "$peak <= 0.25*$their_peak")"
	row "$1: CPU / opening and reading the files" "$(calc %.2f "$cpu/($read_cpu+0.5)")" "${3:-}" "${3:+$(verdict "$cpu <= 4*($read_cpu+0.5)")}"
	bytes=$(awk '{print $6; exit}' $dir/ours)
	[ -z "${4:-}" ] || row "$1: bytes an active file" "$bytes" '<= 70' "$(verdict "$bytes <= 70")"
}

row 'Delta logs' 'got' 'goal' ''
if [ -d "$CORPUS/delta/big" ] && command -v zstd >/dev/null; then
	for archive in "$CORPUS"/delta/big/*.tar.zst; do
		name=$(basename "$archive" .tar.zst)
		[ -d "$dir/$name" ] || tar -C $dir -xf "$archive"
		against "$name" "$dir/$name"
	done
else
	echo "bench: no corpus at $CORPUS (or no zstd): its large logs are left out"
fi
made "commits.$COMMITS" "$COMMITS" 10 "$((COMMITS * 98720 / 100000))"
against "$COMMITS commits, $((COMMITS * 10)) adds" "$dir/commits.$COMMITS" '<= 4' bytes
made "files.$FILES" 50 "$((FILES / 50))" 0
against "$FILES active files" "$dir/files.$FILES" '' bytes
