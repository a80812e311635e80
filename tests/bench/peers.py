# SPDX-License-Identifier: Apache-2.0
"""The same projection by other means: peers.py duckdb|python|jq EVENTS.ndjson OUT. Prints seconds."""
import json
import os
import sqlite3
import subprocess
import sys
import time

kind, events, out = sys.argv[1:4]
for suffix in ("", "-wal", "-shm", ".wal"):
    if os.path.exists(out + suffix):
        os.remove(out + suffix)


def by_duckdb():
    import duckdb

    con = duckdb.connect(out)
    con.execute("set threads to 2")
    con.execute(
        f"""create table event as
        select id, "timestamp" ts, level, event_type, message, origin.pipeline_id pipeline,
               origin.update_id upd, origin.flow_name flow, origin.dataset_name dataset,
               origin.batch_id batch, details.flow_progress.status status,
               details.flow_progress.metrics.num_output_rows n,
               details.flow_progress.data_quality.dropped_records dropped,
               details.flow_progress.data_quality.expectations x
        from read_ndjson('{events}', columns={{id: 'VARCHAR', "timestamp": 'VARCHAR', level: 'VARCHAR',
          event_type: 'VARCHAR', message: 'VARCHAR',
          origin: 'STRUCT(pipeline_id VARCHAR, update_id VARCHAR, flow_name VARCHAR, dataset_name VARCHAR, batch_id BIGINT)',
          details: 'STRUCT(flow_progress STRUCT(status VARCHAR, metrics STRUCT(num_output_rows BIGINT), data_quality STRUCT(dropped_records BIGINT, expectations STRUCT(name VARCHAR, dataset VARCHAR, passed_records BIGINT, failed_records BIGINT)[])))'}},
          maximum_object_size=67108864)"""
    )
    con.execute(
        "create table rule as select id, unnest(x, recursive := true) from event where x is not null"
    )
    con.execute("checkpoint")
    con.close()


def by_python():
    con = sqlite3.connect(out)
    con.execute("pragma journal_mode=wal")
    con.execute("pragma synchronous=normal")
    con.execute(
        "create table event(id text, ts text, level text, type text, message text, pipeline text,"
        " upd text, flow text, dataset text, batch int, status text, n int, dropped int)"
    )
    con.execute("create table rule(id text, name text, dataset text, passed int, failed int)")
    rows, rules = [], []

    def flush():
        con.executemany("insert into event values(?,?,?,?,?,?,?,?,?,?,?,?,?)", rows)
        con.executemany("insert into rule values(?,?,?,?,?)", rules)
        con.commit()
        rows.clear()
        rules.clear()

    with open(events) as file:
        for line in file:
            e = json.loads(line)
            o = e["origin"]
            p = (e.get("details") or {}).get("flow_progress") or {}
            q = p.get("data_quality") or {}
            rows.append(
                (e["id"], e["timestamp"], e["level"], e["event_type"], e.get("message"),
                 o.get("pipeline_id"), o.get("update_id"), o.get("flow_name"), o.get("dataset_name"),
                 o.get("batch_id"), p.get("status"), (p.get("metrics") or {}).get("num_output_rows"),
                 q.get("dropped_records")))
            for x in q.get("expectations") or ():
                rules.append((e["id"], x["name"], x["dataset"], x["passed_records"], x["failed_records"]))
            if len(rows) >= 10000:
                flush()
    flush()
    con.close()


def by_jq():
    program = (
        "[.id,.timestamp,.level,.event_type,.message,.origin.pipeline_id,.origin.update_id,"
        ".origin.flow_name,.details.flow_progress.status,"
        "(.details.flow_progress.data_quality.expectations//[]|map([.name,.dataset,.passed_records,.failed_records]))]"
    )
    with open(out, "w") as file:
        subprocess.run(["jq", "-c", program, events], stdout=file, check=True)


start = time.monotonic()
{"duckdb": by_duckdb, "python": by_python, "jq": by_jq}[kind]()
print(f"{time.monotonic() - start:.3f}")
