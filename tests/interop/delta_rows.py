#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rows of the corpus's tables for which it has expected rows, read by Weir's own parts: the files of
the newest version from the log, their values by the Parquet reader, less the rows their deletion
vectors hide, with the partition values from the log, columns by their physical names. Arguments:
build directory, corpus.
"""
import datetime
import decimal
import glob
import json
import os
import re
import subprocess
import sys

# Expected rows that are not those of the corpus's table, each with its reason.
NOT_OF_THIS_TABLE = {
    "data-reader-partition-values": "timestamps in paths are in their writer's zone, UTC-7; only they "
                                    "differ",
    "table-with-columnmapping-mode-name": "the rows are of an older version of the table, with fewer "
                                          "columns",
    "row-tracking-write": "nine rows of another table of that name",
}
failures = []


def run(*command):
    done = subprocess.run(command, capture_output=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode()[-300:] or f"exit {done.returncode}")
    return [json.loads(line, parse_float=lambda text: float(text))
            for line in done.stdout.decode().splitlines()]


def dump(build, path):
    """(names of top-level columns, rows)"""
    tree = run(f"{build}/tests/interop/parquet_dump", "--schema", path)[1]
    lines = run(f"{build}/tests/interop/parquet_dump", path)
    if "error" in lines[-1]:
        raise RuntimeError(lines[-1]["error"])
    return tree.get("children", []), [line for line in lines if isinstance(line, list)]


def partition_value(text, kind):
    """As parquet_dump tells a value of that type."""
    if text is None:
        return None
    if kind in ("byte", "short", "integer", "long"):
        return int(text)
    if kind in ("float", "double"):
        return float(text)
    if kind == "boolean":
        return text == "true"
    if kind == "date":
        return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days
    if kind in ("timestamp", "timestamp_ntz"):
        text = text.replace("T", " ").rstrip("Z")
        when = datetime.datetime.fromisoformat(re.sub(r"\.(\d+)$", lambda m: "." + (m[1] + "000000")[:6],
                                                      text))
        return (when - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1) * 1000
    found = re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", kind)
    if found:
        return str(int(decimal.Decimal(text).scaleb(int(found[2]))))
    return text


def type_name(field):
    return field["type"] if isinstance(field["type"], str) else field["type"]["type"]


def table_rows(build, table):
    lines = run(f"{build}/tests/interop/delta_rows", table)
    metadata, files = lines[0], lines[1:]
    fields = json.loads(metadata["schemaString"])["fields"]
    rows = []
    for file in files:
        columns, values = dump(build, file["file"])
        place = {column["name"]: i for i, column in enumerate(columns)}
        hidden = set(file["deleted"])
        kept = [v for i, v in enumerate(values) if i not in hidden]
        if file["rows"] is not None and file["rows"] != len(kept):
            raise RuntimeError(f"{file['file']}: {len(kept)} rows, the log says {file['rows']}")
        for value in kept:
            row = []
            for field in fields:
                physical = field.get("metadata", {}).get(
                    "delta.columnMapping.physicalName", field["name"])
                if field["name"] in file["partition_values"]:
                    row.append(partition_value(
                        file["partition_values"][field["name"]], type_name(field)))
                else:
                    row.append(value[place[physical]] if physical in place else None)
            rows.append(row)
    return [field["name"] for field in fields], rows


def expected_rows(build, folder, names):
    rows = []
    for path in sorted(glob.glob(os.path.join(folder, "**", "*.parquet"), recursive=True)):
        columns, values = dump(build, path)
        place = {column["name"]: i for i, column in enumerate(columns)}
        rows += [[value[place[name]] if name in place else None for name in names]
                 for value in values]
    return rows


def order(rows):
    return sorted(json.dumps(row) for row in rows)


def find_table(tables, name):
    wanted = name.split("__", 1)[1].lower()
    found = [t for t in tables if t.split("__", 1)[1].lower() == wanted]
    return found[0] if found else None


def main(build, corpus):
    root = os.path.join(corpus, "delta")
    tables = sorted(os.listdir(os.path.join(root, "tables")))
    matched, absent, total = 0, [], 0
    for name in sorted(os.listdir(os.path.join(root, "expected"))):
        table = find_table(tables, name)
        if name.split("__", 1)[1] in NOT_OF_THIS_TABLE or not glob.glob(
                os.path.join(root, "expected", name, "**", "*.parquet"), recursive=True):
            table = None
        if not table:
            absent.append(name.split("__", 1)[1])
            continue
        try:
            names, rows = table_rows(build, os.path.join(root, "tables", table))
            wanted = expected_rows(build, os.path.join(root, "expected", name), names)
        except (RuntimeError, KeyError, ValueError) as error:
            failures.append(f"{table}: {type(error).__name__} {error}")
            continue
        ours, theirs = order(rows), order(wanted)
        if ours == theirs:
            matched += 1
            total += len(ours)
            continue
        odd = [(a, b) for a, b in zip(ours, theirs) if a != b][:1]
        failures.append(f"{table}: {len(ours)} rows, expected {len(theirs)}; {odd}")
    for text in failures:
        print("FAIL", text[:500])
    print(f"{matched} tables match, {total} rows; {len(failures)} differ; {len(absent)} expected sets "
          f"have no table, no rows, or are of another table: {', '.join(absent)}")
    return 1 if failures or not matched else 0


sys.exit(main(sys.argv[1], sys.argv[2]))
