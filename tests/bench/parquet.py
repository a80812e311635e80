# SPDX-License-Identifier: Apache-2.0
"""A checkpoint of a million files and a peer that reads it: parquet.py make FILE ROWS | duckdb FILE TURNS |
pyarrow FILE TURNS. Peers print the fastest turn's CPU seconds, the rows and the sum of bench_parquet.c."""
import os
import sys
import time

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq


def make(path, rows):
    """Of the shape Spark writes: one row group, snappy, most columns empty, stats in JSON."""
    connection = duckdb.connect()
    table = connection.execute(
        f"""select case when r = 0 then {{'appId': 'stream', 'version': 7::bigint, 'lastUpdated': null::bigint}} end txn,
        case when r > 2 then {{
          'path': format('day=2026-{{:02d}}-{{:02d}}/part-{{:05d}}-{{}}.c000.snappy.parquet', 1 + r // 28 % 12, 1 + r % 28, r % 1000, md5(r::varchar)::uuid),
          'partitionValues': map {{'day': format('2026-{{:02d}}-{{:02d}}', 1 + r // 28 % 12, 1 + r % 28)}},
          'size': (r * 7919) % 134217728, 'modificationTime': 1767225600000 + r * 37, 'dataChange': false,
          'stats': format('{{{{"numRecords":{{}},"minValues":{{{{"id":{{}},"amount":{{}}}}}},"maxValues":{{{{"id":{{}},"amount":{{}}}}}},"nullCount":{{{{"id":0,"amount":{{}}}}}}}}}}',
             r % 100000, r * 1000, r % 977 / 7.0, r * 1000 + 999, r % 9777 / 3.0, r % 13),
          'tags': null::map(varchar, varchar),
          'deletionVector': case when r % 20 = 0 then {{'storageType': 'u', 'pathOrInlineDv': left(md5((r + 1)::varchar), 20), 'offset': 1, 'sizeInBytes': 34, 'cardinality': (r % 50)::bigint}} end
        }} end "add",
        case when r = -1 then {{'path': '', 'deletionTimestamp': 0::bigint, 'dataChange': true, 'size': 0::bigint}} end "remove",
        case when r = 1 then {{'id': 'x', 'schemaString': '{{}}', 'partitionColumns': ['day'], 'configuration': map {{'a': 'b'}}}} end "metaData",
        case when r = 2 then {{'minReaderVersion': 3, 'minWriterVersion': 7}} end protocol
        from (select range r from range({rows}))"""
    ).fetch_arrow_table()
    pq.write_table(table, path + ".tmp", compression="snappy", row_group_size=rows, data_page_version="1.0")
    os.rename(path + ".tmp", path)


def by_duckdb(path):
    connection = duckdb.connect()
    connection.execute("set threads to 1")
    return connection.execute(
        f"""select count(*), sum(strlen("add".path) + strlen("add".stats) + "add".size + "add".modificationTime % 1000
          + "add"."dataChange"::int + coalesce(strlen("add"."deletionVector"."pathOrInlineDv"), 0)
          + strlen(map_keys("add"."partitionValues")[1]) + strlen(map_values("add"."partitionValues")[1])),
          max("add"."deletionVector"."storageType"), max("add"."deletionVector"."offset"),
          max("add"."deletionVector"."sizeInBytes"), max("add"."deletionVector".cardinality)
        from read_parquet('{path}') where "add" is not null or true"""
    ).fetchone()[:2]


def by_pyarrow(path):
    """Decodes only; it sums nothing."""
    names = ["path", "partitionValues", "size", "modificationTime", "dataChange", "stats", "deletionVector"]
    table = pq.ParquetFile(path).read(columns=["add." + n for n in names], use_threads=False)
    return table.num_rows, 0


def main():
    kind, path, n = sys.argv[1:]
    if kind == "make":
        make(path, int(n))
        return
    pa.set_cpu_count(1)
    best, found = 1e9, None
    for _ in range(int(n)):
        start = time.process_time()
        found = {"duckdb": by_duckdb, "pyarrow": by_pyarrow}[kind](path)
        best = min(best, time.process_time() - start)
    print(f"{best:.4f}", *found)
    sys.stdout.flush()
    os._exit(0)


main()
