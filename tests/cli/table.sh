#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir table: the JSON that is promised, times, names out of the store, refusals and their status.
. tests/cli/lib.sh
log=$work/lake/orders/_delta_log
mkdir -p "$log"
cat >"$log/00000000000000000000.json" <<'X'
{"commitInfo":{"timestamp":1,"operation":"CREATE TABLE AS SELECT","engineInfo":"hand"}}
{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"metaData":{"id":"t","name":"orders","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":false,\"metadata\":{}},{\"name\":\"tags\",\"type\":{\"type\":\"array\",\"elementType\":\"string\",\"containsNull\":true},\"nullable\":true,\"metadata\":{}},{\"name\":\"day\",\"type\":\"date\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":["day"],"configuration":{"delta.appendOnly":"false"},"createdTime":5}}
{"add":{"path":"day=2026-01-01/a.parquet","partitionValues":{"day":"2026-01-01"},"size":100,"modificationTime":7,"dataChange":true,"stats":"{\"numRecords\":10}"}}
{"add":{"path":"day=__HIVE_DEFAULT_PARTITION__/b.parquet","partitionValues":{"day":null},"size":40000000,"modificationTime":8,"dataChange":true,"stats":"{\"numRecords\":5}"}}
X
cat >"$log/00000000000000000001.json" <<'X'
{"commitInfo":{"timestamp":2,"operation":"DELETE"}}
{"remove":{"path":"day=2026-01-01/a.parquet","deletionTimestamp":9,"dataChange":true}}
{"add":{"path":"day=2026-01-01/c.parquet","partitionValues":{"day":"2026-01-01"},"size":90,"modificationTime":9,"dataChange":true}}
X
touch -d 2026-01-01T00:00:00Z "$log/00000000000000000000.json"
touch -d 2026-01-02T00:00:00Z "$log/00000000000000000001.json"
table=$work/lake/orders
weir table detail "$table" --json >"$work/new"
weir table detail "$table" --json --version 0 >"$work/old"
weir table detail "$table" --json --timestamp 2026-01-01T12:00:00Z >"$work/then"
weir table detail "file://$table" --json >"$work/uri"
weir table detail "$table/_delta_log/" --json >"$work/log"
cmp -s "$work/old" "$work/then" || die "a time between two versions is the earlier one"
cmp -s "$work/new" "$work/uri" || die "a URI is the same table"
cmp -s "$work/new" "$work/log" || die "its log is the same table"
weir table files "$table" --json >"$work/files"
weir table diff "$table" --json >"$work/diff"
weir table history "$table" --json >"$work/history"
python3 - "$work" <<'X'
import json, sys
def read(name): return json.load(open(f"{sys.argv[1]}/{name}"))
new, old = read("new"), read("old")
keys = ["table", "path", "version", "timestamp_ms", "files", "bytes", "rows", "tombstones",
        "partition_columns", "schema", "properties", "protocol", "small_files",
        "earliest_restorable_version"]
assert list(new)[:14] == keys, list(new)
assert (old["version"], old["files"], old["bytes"], old["rows"], old["tombstones"]) == (0, 2, 40000100, 15, 0), old
assert (new["version"], new["files"], new["bytes"], new["rows"], new["tombstones"]) == (1, 2, 40000090, None, 1), new
assert old["timestamp_ms"] == 1767225600000 and new["timestamp_ms"] == 1767312000000
assert new["schema"] == [{"name": "id", "type": "long", "nullable": False},
    {"name": "tags", "type": "array<string>", "nullable": True},
    {"name": "day", "type": "date", "nullable": True}], new["schema"]
assert new["protocol"] == {"min_reader": 1, "min_writer": 2, "reader_features": [], "writer_features": []}
assert new["small_files"] == 1 and new["partition_columns"] == ["day"] and new["partitions"] == 2
assert new["properties"] == {"delta.appendOnly": "false"} and new["table"] == "orders"
files = [json.loads(line) for line in open(f"{sys.argv[1]}/files")]
assert list(files[0]) == ["path", "size", "partition_values", "rows", "deletion_vector", "modification_time_ms"]
assert files[0]["partition_values"] == {"day": None} and files[0]["rows"] == 5
assert files[1]["partition_values"] == {"day": "2026-01-01"} and files[1]["rows"] is None
diff = read("diff")
assert (diff["from"], diff["to"], diff["files_added"], diff["files_removed"]) == (0, 1, 1, 1), diff
assert diff["bytes_added"] == 90 and diff["rows_added"] is None and diff["rows_removed"] == 10
history = read("history")
assert [v["version"] for v in history["versions"]] == [1, 0]
assert history["versions"][0]["standing"] == "current"
assert history["versions"][1]["standing"] == "listed only" and history["versions"][1]["files_gone"] == 1
assert history["versions"][1]["gone_example"].endswith("a.parquet") and history["first_restorable_version"] == 1
X
weir table detail "$table" | grep -q '^rows  *– (files without statistics)' || die "unknown rows are a dash"
weir table history "$table" | grep -q 'listed only  1 of its files gone' || die "history for people"
for form in "$table" "$table/_delta_log/" "file://$table" "file:$table"; do
	weir history "$form" --json >"$work/screen" || die "weir history $form"
	python3 -c 'import json, sys
screen = json.load(open(sys.argv[1]))
assert [v["version"] for v in screen["versions"]] == [1, 0] and screen["path"] == sys.argv[2], screen' \
		"$work/screen" "$(realpath "$table")" || die "the screen of $form"
done
! weir history "file://$table/day=2026-01-01" --json 2>"$work/none" || die "a folder without a log has no history"
grep -q 'No such file\|holds no _delta_log' "$work/none" || die "$(cat "$work/none")"
# A name is looked up in the store.
configure lake <<X
[delta lake]
root = $work/lake
X
collect lake >/dev/null
weir table detail orders --json --config "$work/lake.ini" >"$work/named"
cmp -s "$work/new" "$work/named" || die "by name: $(cat "$work/named")"
# Refusals: exit 1, a line on stderr, nothing on stdout. Misuse: 2.
refused() { # status words...
	want=$1; shift; words=$1; shift
	status=0
	weir table "$@" >"$work/out" 2>"$work/err" || status=$?
	[ $status = "$want" ] || die "weir table $*: exit $status instead of $want: $(cat "$work/err")"
	[ ! -s "$work/out" ] || die "weir table $*: something on standard output"
	grep -qF -- "$words" "$work/err" || die "weir table $*: no \"$words\" in: $(cat "$work/err")"
}
refused 1 'there is no version 7, the newest is 1' detail "$table" --version 7 --json
refused 1 'newer than that time' detail "$table" --timestamp 2020-01-01T00:00:00Z
refused 1 'holds no _delta_log' detail "$work/lake"
refused 1 'is no folder and no table' detail nosuch --config "$work/lake.ini"
refused 2 'not both' detail "$table" --version 1 --timestamp 4h
refused 2 'no time' detail "$table" --timestamp soon
refused 2 "wants a version's number" detail "$table" --version one
refused 2 'not frobnicate' frobnicate "$table"
printf '{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors","holograms"]}}\n' >"$log/00000000000000000002.json"
refused 1 'reader feature holograms' detail "$table" --json
weir table detail "$table" --json --version 1 >"$work/before"
! cmp -s "$work/new" "$work/before" || die "an older version is told as the newest"
printf '{"add":{"path":"x"' >"$log/00000000000000000003.json"
refused 1 '00000000000000000003.json is damaged: line 1 at byte 0' detail "$table" --json
rm "$log/00000000000000000002.json"
refused 1 '00000000000000000002.json is missing' detail "$table" --json
