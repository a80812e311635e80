# SPDX-License-Identifier: Apache-2.0
"""Parquet files in every encoding, codec, page version and shape that DuckDB and pyarrow can write, read
back value by value: parquet_made.py DUMP DIRECTORY."""
import datetime
import decimal
import math
import os
import random
import struct
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq


from parquet_values import compare, dumped, read_duckdb, read_pyarrow

rng = random.Random(7)


def maybe(make, share=0.3):
    return None if rng.random() < share else make()


def word():
    return "".join(rng.choice("abcdefghij é€😀\n\"\\") for _ in range(rng.randrange(12)))


def halves(n):
    """Every bit pattern may come, subnormal and infinite ones too."""
    bits = b"".join(struct.pack("<H", rng.randrange(65536)) for _ in range(n))
    return pa.Array.from_buffers(pa.float16(), n, [None, pa.py_buffer(bits)])


def scalars(n, share):
    """A table of every type."""
    D = decimal.Decimal

    def many(make):
        return [maybe(make, share) for _ in range(n)]

    def wide(digits):
        return lambda: D(rng.randrange(-(10**digits) + 1, 10**digits)).scaleb(-(digits // 3))

    decimals = {}
    for digits in (1, 4, 9, 10, 18, 19, 30, 38):
        decimals[f"decimal{digits}"] = pa.array(many(wide(digits)), pa.decimal128(digits, digits // 3))
    return pa.table(
        {
            "bool": pa.array(many(lambda: rng.random() < 0.5), pa.bool_()),
            "bool_runs": pa.array([i // 50 % 2 == 0 for i in range(n)], pa.bool_()),
            "i8": pa.array(many(lambda: rng.randrange(-128, 128)), pa.int8()),
            "i16": pa.array(many(lambda: rng.randrange(-(2**15), 2**15)), pa.int16()),
            "i32": pa.array(many(lambda: rng.randrange(-(2**31), 2**31)), pa.int32()),
            "i64": pa.array(many(lambda: rng.randrange(-(2**63), 2**63)), pa.int64()),
            "u8": pa.array(many(lambda: rng.randrange(256)), pa.uint8()),
            "u16": pa.array(many(lambda: rng.randrange(2**16)), pa.uint16()),
            "u32": pa.array(many(lambda: rng.randrange(2**32)), pa.uint32()),
            "u64": pa.array(many(lambda: rng.randrange(2**64)), pa.uint64()),
            "counter": pa.array(range(n), pa.int64()),
            "constant": pa.array([5] * n, pa.int32()),
            "few": pa.array([rng.randrange(5) for _ in range(n)], pa.int64()),
            "half": halves(n),
            "float": pa.array(many(lambda: rng.choice([1.5, -0.0, 3.0e38, 1e-40, math.inf, -math.inf, math.nan])), pa.float32()),
            "double": pa.array(many(lambda: rng.gauss(0, 1e100)), pa.float64()),
            "string": pa.array(many(word), pa.string()),
            "same_start": pa.array([f"part-{i:08d}-of-many.parquet" for i in range(n)], pa.string()),
            "empty": pa.array([""] * n, pa.string()),
            "bytes": pa.array(many(lambda: rng.randbytes(rng.randrange(20))), pa.binary()),
            "fixed": pa.array(many(lambda: rng.randbytes(7)), pa.binary(7)),
            "date": pa.array(many(lambda: datetime.date.fromordinal(rng.randrange(1, 3000000))), pa.date32()),
            "time_ms": pa.array(many(lambda: rng.randrange(86400000)), pa.time32("ms")),
            "time_us": pa.array(many(lambda: rng.randrange(86400000000)), pa.time64("us")),
            "ts_ms": pa.array(many(lambda: rng.randrange(-(10**13), 10**13)), pa.timestamp("ms")),
            "ts_us": pa.array(many(lambda: rng.randrange(-(10**16), 10**16)), pa.timestamp("us", "UTC")),
            "ts_ns": pa.array(many(lambda: rng.randrange(-(10**18), 10**18)), pa.timestamp("ns")),
            "nothing": pa.array([None] * n, pa.string()),
            "nothing_typed": pa.array([None] * n, pa.int32()),
            **decimals,
        }
    )


def nested(n, share):
    def tree(depth):
        if depth == 0:
            return maybe(lambda: rng.randrange(1000), share)
        return maybe(lambda: [tree(depth - 1) for _ in range(rng.randrange(4))], share)

    point = pa.struct([("x", pa.int32()), ("label", pa.string()), ("tags", pa.list_(pa.string()))])
    frame = pa.struct([("declaring_class", pa.string()), ("line_number", pa.int64())])
    error = pa.struct(
        [("fatal", pa.bool_()), ("exceptions", pa.list_(pa.struct([("class_name", pa.string()), ("stack", pa.list_(frame))])))]
    )

    def a_point():
        return {"x": maybe(lambda: rng.randrange(9), share), "label": maybe(word, share), "tags": maybe(lambda: [maybe(word, share) for _ in range(rng.randrange(3))], share)}

    def an_error():
        return {
            "fatal": maybe(lambda: rng.random() < 0.5, share),
            "exceptions": maybe(
                lambda: [
                    maybe(
                        lambda: {
                            "class_name": maybe(word, share),
                            "stack": maybe(lambda: [maybe(lambda: {"declaring_class": maybe(word, share), "line_number": maybe(lambda: rng.randrange(99), share)}, share) for _ in range(rng.randrange(5))], share),
                        },
                        share,
                    )
                    for _ in range(rng.randrange(3))
                ],
                share,
            ),
        }

    deep = pa.int64()
    for _ in range(4):
        deep = pa.list_(deep)
    return pa.table(
        {
            "id": pa.array(range(n), pa.int64()),
            "list": pa.array([tree(1) for _ in range(n)], pa.list_(pa.int64())),
            "deep": pa.array([tree(4) for _ in range(n)], deep),
            "map": pa.array([maybe(lambda: [(f"k{i}", maybe(word, share)) for i in range(rng.randrange(4))], share) for _ in range(n)], pa.map_(pa.string(), pa.string())),
            "map_of_points": pa.array([maybe(lambda: [(i, maybe(a_point, share)) for i in range(rng.randrange(3))], share) for _ in range(n)], pa.map_(pa.int32(), point)),
            "point": pa.array([maybe(a_point, share) for _ in range(n)], point),
            "points": pa.array([maybe(lambda: [maybe(a_point, share) for _ in range(rng.randrange(4))], share) for _ in range(n)], pa.list_(point)),
            "error": pa.array([maybe(an_error, share) for _ in range(n)], error),
            "wide_list": pa.array([[j for j in range(i % 7 * 40)] for i in range(n)], pa.list_(pa.int32())),
        }
    )


def required(n):
    inner = pa.struct([pa.field("a", pa.int64(), nullable=False), pa.field("b", pa.string(), nullable=False)])
    schema = pa.schema(
        [
            pa.field("n", pa.int64(), nullable=False),
            pa.field("s", pa.string(), nullable=False),
            pa.field("inner", inner, nullable=True),
            pa.field("inner_there", inner, nullable=False),
            pa.field("list", pa.list_(pa.field("element", pa.string(), nullable=False)), nullable=False),
            pa.field("map", pa.map_(pa.string(), pa.field("value", pa.int64(), nullable=False)), nullable=False),
        ]
    )
    rows = [
        {"n": i, "s": word(), "inner": maybe(lambda: {"a": i, "b": word()}), "inner_there": {"a": -i, "b": "x"}, "list": [word() for _ in range(i % 3)], "map": [(str(k), k) for k in range(i % 4)]}
        for i in range(n)
    ]
    return pa.Table.from_pylist(rows, schema)


def write_all(directory):
    made = []

    def write(name, table, **options):
        path = os.path.join(directory, name + ".parquet")
        pq.write_table(table, path, **options)
        made.append(path)

    flat, tree, strict = scalars(500, 0.3), nested(300, 0.25), required(200)
    full = scalars(300, 0.0)
    for codec in ("none", "snappy", "gzip", "zstd", "lz4"):
        for version in ("1.0", "2.0"):
            write(f"flat_{codec}_{version}", flat, compression=codec, data_page_version=version, data_page_size=2000, write_batch_size=100)
            write(f"tree_{codec}_{version}", tree, compression=codec, data_page_version=version, data_page_size=3000, row_group_size=110, write_batch_size=64)
    write("checksums", flat, write_page_checksum=True, compression="snappy")
    write("strict", strict)
    write("strict_2", strict, data_page_version="2.0", use_dictionary=False)
    write("full", full, use_dictionary=False)
    write("full_dictionary", full, compression="zstd")
    write("int96", pa.table({"t": flat["ts_us"], "u": flat["ts_ns"]}), use_deprecated_int96_timestamps=True)
    write("store_decimal_as_integer", flat, store_decimal_as_integer=True)
    write("no_rows", flat.slice(0, 0))
    write("no_rows_tree", tree.slice(0, 0))
    write("one_row_groups", flat.slice(0, 40), row_group_size=1)
    write("all_null", scalars(500, 1.0))
    write("tree_all_null", nested(300, 1.0))
    write("tree_no_null", nested(500, 0.0), use_compliant_nested_type=False)
    write("no_columns", pa.table({"a": [1, 2, 3]}).select([]))
    # A dictionary that grows too large is given up in the middle of a chunk.
    many = pa.table({"s": [f"{i // 2 % 8000}" * 3 for i in range(20000)], "n": [i % 6000 for i in range(20000)]})
    write("fallback", many, dictionary_pagesize_limit=8000, data_page_size=4000)
    write("fallback_2", many, dictionary_pagesize_limit=8000, data_page_size=4000, data_page_version="2.0", compression="zstd")
    for version in ("1.0", "2.0"):
        for table, kind in ((flat, "nulls"), (full, "full")):
            ints = ["i32", "i64", "u32", "u64", "counter", "constant", "few", "date", "ts_ms", "ts_us", "ts_ns", "time_ms", "time_us"]
            texts = ["string", "same_start", "empty", "bytes", "nothing"]
            splits = ["float", "double", "i32", "i64", "fixed", "half", "counter", "decimal19", "decimal38"]
            plain = {"use_dictionary": False, "data_page_version": version, "data_page_size": 1500}
            write(f"delta_ints_{kind}_{version}", table.select(ints), column_encoding=dict.fromkeys(ints, "DELTA_BINARY_PACKED"), **plain)
            write(f"delta_lengths_{kind}_{version}", table.select(texts), column_encoding=dict.fromkeys(texts, "DELTA_LENGTH_BYTE_ARRAY"), **plain)
            write(f"delta_bytes_{kind}_{version}", table.select([*texts, "fixed"]), column_encoding=dict.fromkeys([*texts, "fixed"], "DELTA_BYTE_ARRAY"), **plain)
            write(f"split_{kind}_{version}", table.select(splits), column_encoding=dict.fromkeys(splits, "BYTE_STREAM_SPLIT"), **plain)
            write(f"runs_{kind}_{version}", table.select(["bool", "bool_runs"]), column_encoding={"bool": "RLE", "bool_runs": "RLE"}, **plain)
            decimals = ["decimal1", "decimal9", "decimal18"]
            write(f"delta_decimals_{kind}_{version}", table.select(decimals), store_decimal_as_integer=True, column_encoding=dict.fromkeys(decimals, "DELTA_BINARY_PACKED"), **plain)
    return made


def write_duckdb(directory, connection):
    connection.execute(
        """create table t as select range id, range % 17 few, (range * 7919) % 1000003 spread, 'name ' || range % 5000 s,
           case when range % 3 = 0 then null else range end gaps, range::double / 7 d, (range % 2 = 0) b,
           date '1970-01-01' + (range % 40000)::int a_day, make_timestamp(range * 1000003) ts,
           (range::decimal(18, 0) / 100)::decimal(20, 2) price, range::hugeint::varchar::uuid_text u,
           [range, null, range + 1] l, map([range % 5], [range::varchar]) m, {'a': range, 'b': [{'c': range::varchar}]} x
           from range(25000)""".replace("range::hugeint::varchar::uuid_text u", "md5(range::varchar)::uuid u")
    )
    made = []
    for codec in ("uncompressed", "snappy", "gzip", "zstd", "lz4_raw"):
        for version in ("v1", "v2"):
            path = os.path.join(directory, f"duckdb_{codec}_{version}.parquet")
            rows = 4000 if codec != "snappy" else 25000
            connection.execute(f"copy (select * from t limit {rows}) to '{path}' (format parquet, codec {codec}, parquet_version {version}, row_group_size 10000)")
            made.append(path)
    path = os.path.join(directory, "duckdb_brotli.parquet")
    connection.execute(f"copy (select * from t limit 100) to '{path}' (format parquet, codec brotli)")
    return made, path


def main():
    dump, directory = sys.argv[1:]
    connection = duckdb.connect()
    connection.execute("set threads to 1")
    connection.execute("set timezone to 'UTC'")
    made = write_all(directory)
    more, brotli = write_duckdb(directory, connection)
    bad = 0
    counts = {"pyarrow": 0, "DuckDB": 0}
    encodings = set()
    for path, rows, error in dumped(dump, [*made, *more, brotli]):
        name = os.path.basename(path)
        if path == brotli:
            if not error or "brotli compression is not supported" not in error:
                print(f"{name}: {error}")
                bad += 1
            continue
        if error:
            print(f"{name}: {error}")
            bad += 1
            continue
        metadata = pq.ParquetFile(path).metadata
        for g in range(metadata.num_row_groups):
            for c in range(metadata.num_columns):
                encodings.update(metadata.row_group(g).column(c).encodings)
        for judge, read in (("pyarrow", lambda: read_pyarrow(path)), ("DuckDB", lambda: read_duckdb(connection, path))):
            try:
                table = read()
            except (duckdb.Error, pa.ArrowException) as failure:
                print(f"{name}: {judge} does not read it: {str(failure).splitlines()[0][:120]}")
                continue
            difference = compare(rows, table)
            # Nanoseconds in INT96 are read as microseconds, as Spark does.
            if difference and judge == "pyarrow" and name == "int96.parquet":
                continue
            if difference:
                print(f"{name}: {judge}: {difference[:600]}")
                bad += 1
            else:
                counts[judge] += 1
    print(f"{len(made) + len(more)} files; equal to pyarrow {counts['pyarrow']}, to DuckDB {counts['DuckDB']}; {bad} bad; encodings {' '.join(sorted(encodings))}")
    wanted = {"PLAIN", "RLE", "RLE_DICTIONARY", "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT"}
    if not wanted <= encodings:
        print("not written:", wanted - encodings)
        bad += 1
    sys.stdout.flush()
    os._exit(1 if bad else 0)


if __name__ == "__main__":
    main()
