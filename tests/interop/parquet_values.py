# SPDX-License-Identifier: Apache-2.0
"""Every Parquet file of the corpus, value by value, against DuckDB and where it cannot against
pyarrow: parquet_values.py DUMP CORPUS-DIRECTORY [FILE...]. Says what was compared with whom, and which
files no other reader opens. Exit 1 on any difference."""
import collections
import decimal
import json
import math
import os
import subprocess
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

decimal.getcontext().prec = 100
NANOS = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}


class Undecided(Exception):
    """The other reader shows this type in a form that says less than the file."""


def blob(value):
    return "x:" + bytes(value).hex()


def column(array):
    """Arrow values in the dump's form."""
    if isinstance(array, pa.ChunkedArray):
        return [v for chunk in array.chunks for v in column(chunk)]
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return column(array.storage)
    if pa.types.is_dictionary(kind):
        return column(array.dictionary_decode())
    if pa.types.is_struct(kind):
        fields = [column(array.field(i)) for i in range(kind.num_fields)]
        valid = array.is_valid().to_pylist()
        return [[f[i] for f in fields] if valid[i] else None for i in range(len(array))]
    if pa.types.is_map(kind):
        keys, values = column(array.keys), column(array.items)
        return spans(array, [[k, v] for k, v in zip(keys, values)])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return spans(array, column(array.values))
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        return [None if v is None else v * NANOS[kind.unit] for v in array.cast(pa.int64()).to_pylist()]
    if pa.types.is_time32(kind):
        return [None if v is None else v * NANOS[kind.unit] for v in array.cast(pa.int32()).to_pylist()]
    if pa.types.is_date32(kind):
        return array.cast(pa.int32()).to_pylist()
    if pa.types.is_decimal(kind):
        return [None if v is None else str(int(v.scaleb(kind.scale))) for v in array.to_pylist()]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return [None if v is None else blob(v) for v in array.to_pylist()]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        try:
            return array.to_pylist()
        except UnicodeDecodeError:
            binary = pa.large_binary() if pa.types.is_large_string(kind) else pa.binary()
            return [None if v is None else shown(v) for v in array.cast(binary).to_pylist()]
    if pa.types.is_float16(kind):
        return [None if v is None else float(v) for v in array.to_pylist()]
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind):
        return array.to_pylist()
    raise Undecided(str(kind))


def shown(value):
    try:
        return value.decode()
    except UnicodeDecodeError:
        return blob(value)


def spans(array, inner):
    offsets = array.offsets.to_pylist()
    valid = array.is_valid().to_pylist()
    # The values of a sliced array begin at its first offset or at zero, as the array's kind has it.
    base = 0 if len(inner) >= (offsets[-1] if offsets else 0) else offsets[0]
    return [inner[offsets[i] - base : offsets[i + 1] - base] if valid[i] else None for i in range(len(array))]


def same(ours, theirs):
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(same(a, b) for a, b in zip(ours, theirs))
    if isinstance(ours, float) or isinstance(theirs, float):
        if ours is None or theirs is None:
            return ours is theirs
        return ours == theirs or (math.isnan(ours) and math.isnan(theirs))
    if type(ours) is not type(theirs):
        return False
    # DuckDB hands UUIDs over as their text.
    if isinstance(ours, str) and len(ours) == 34 and len(theirs) == 36:
        return ours == "x:" + theirs.replace("-", "")
    return ours == theirs


def read_duckdb(connection, path):
    quoted = path.replace("'", "''")
    relation = connection.execute(
        f"select * from read_parquet('{quoted}', hive_partitioning=false, union_by_name=false)"
    )
    return relation.fetch_arrow_table()


def read_pyarrow(path):
    # A list of structs or maps over several pages or row groups is only read as a whole.
    return pq.ParquetFile(path).read(use_threads=False)


def first_difference(ours, theirs):
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if not same(a, b):
            if len(a) != len(b):
                return f"row {i}: {len(a)} columns, theirs {len(b)}"
            c = next(c for c in range(len(a)) if not same(a[c], b[c]))
            return f"row {i} column {c}: ours {str(a[c])[:300]} theirs {str(b[c])[:300]}"
    return f"{len(ours)} rows, theirs {len(theirs)}"


def compare(rows, table, without=()):
    columns = [column(c) for i, c in enumerate(table.columns) if i not in without]
    theirs = [list(r) for r in zip(*columns)] if columns else [[] for _ in range(table.num_rows)]
    if without:
        rows = [[v for i, v in enumerate(r) if i not in without] for r in rows]
    return None if same(rows, theirs) else first_difference(rows, theirs)


def lossy(connection, path):
    """Top-level columns whose values DuckDB tells as less than the file has: variants, of which it
    makes JSON, and UTC nanoseconds, which it rounds."""
    quoted = path.replace("'", "''")
    described = connection.execute(f"describe select * from read_parquet('{quoted}', hive_partitioning=false)")
    variants = {i for i, row in enumerate(described.fetchall()) if "JSON" in row[1]}
    kinds = connection.execute(f"select coalesce(logical_type, '') from parquet_schema('{quoted}')").fetchall()
    nanos = any("TimestampType" in k and "NANOS=NanoSeconds" in k for (k,) in kinds)
    return variants, nanos


def judge(connection, path, rows, error):
    """Verdict and detail. DuckDB decides; pyarrow where DuckDB cannot."""
    reasons = []
    try:
        table = read_duckdb(connection, path)
        if error is not None:
            return "REFUSED though DuckDB reads it", error
        difference = compare(rows, table)
        if not difference:
            return "equal to DuckDB", None
        variants, nanos = lossy(connection, path)
        if variants and not compare(rows, table, variants):
            return "equal to DuckDB but for variants, which it renders as JSON", None
        if not nanos:
            return "DIFFERENT from DuckDB", difference
        reasons.append("nanoseconds that DuckDB rounds")
    except (duckdb.Error, Undecided) as failure:
        reasons.append(f"DuckDB: {str(failure).splitlines()[0][:150]}")
    try:
        table = read_pyarrow(path)
        if error is not None:
            return "REFUSED though pyarrow reads it", error
        difference = compare(rows, table)
        if difference:
            return "DIFFERENT from pyarrow", difference
        return f"equal to pyarrow ({reasons[0]})", None
    except (pa.ArrowException, OSError, Undecided) as failure:
        reasons.append(f"pyarrow: {str(failure).splitlines()[0][:150]}")
    return ("no judge, refused" if error else "no judge, read by us"), "; ".join([*reasons, f"we: {error}"])


def dumped(dump, files):
    """Yields path, rows, error."""
    process = subprocess.Popen([dump, *files], stdout=subprocess.PIPE)
    path, rows = None, []
    for line in process.stdout:
        value = json.loads(line)
        if isinstance(value, list):
            rows.append(value)
        elif "file" in value:
            path, rows = value["file"], []
        elif "error" in value:
            yield path, None, value["error"]
        else:
            assert value["rows"] == len(rows), (path, value, len(rows))
            yield path, rows, None
    if process.wait() < 0:
        raise SystemExit(f"the dump died on {path}")


def main():
    dump, root, *files = sys.argv[1:]
    if not files:
        files = sorted(os.path.join(d, f) for d, _, names in os.walk(root) for f in names if f.endswith(".parquet"))
    connection = duckdb.connect()
    connection.execute("set threads to 1")
    connection.execute("set timezone to 'UTC'")
    verdicts = collections.Counter()
    rows_compared = 0
    for start in range(0, len(files), 200):
        for path, rows, error in dumped(dump, files[start : start + 200]):
            verdict, detail = judge(connection, path, rows, error)
            verdicts[verdict] += 1
            if verdict.startswith("equal"):
                rows_compared += len(rows)
            else:
                print(f"{os.path.relpath(path, root)}: {verdict}: {detail}")
    print(f"{len(files)} files, {rows_compared} rows compared: " + ", ".join(f"{n} {v}" for v, n in verdicts.items()) )
    sys.stdout.flush()
    bad = [v for v in verdicts if v.startswith(("DIFFERENT", "REFUSED"))]
    os._exit(1 if bad else 0)


if __name__ == "__main__":
    main()
