# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the Parquet and deletion-vector fuzzers: parquet_seeds.py SEEDS-DIRECTORY. The
same every time; run it from the top of the checkout when a new form of file is to be met."""
import os
import struct
import sys

sys.path.insert(0, "tests/interop")
import parquet_made
import pyarrow.parquet as pq

CODECS = {"UNCOMPRESSED": 0, "SNAPPY": 1, "GZIP": 2, "ZSTD": 6, "LZ4": 7}
TYPES = ["BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"]
CONVERTED = {"UTF8": 1, "DECIMAL": 2, "DATE": 3}

flat = parquet_made.scalars(24, 0.3)
tree = parquet_made.nested(12, 0.25)


def encoded(columns, encoding):
    return {"use_dictionary": False, "column_encoding": dict.fromkeys(columns, encoding), "compression": "none"}


texts = {"string": "DELTA_LENGTH_BYTE_ARRAY", "same_start": "DELTA_BYTE_ARRAY", "fixed": "DELTA_BYTE_ARRAY"}
FILES = {
    "ints": (flat.select(["bool", "i8", "i32", "u32", "i64", "u64"]), {}),
    "texts": (flat.select(["string", "bytes", "fixed", "decimal38", "decimal9"]), {"compression": "none"}),
    "times": (flat.select(["date", "time_ms", "ts_us", "ts_ns"]), {"compression": "zstd", "data_page_version": "2.0"}),
    "lists": (tree.select(["list", "deep"]), {"compression": "none"}),
    "maps": (tree.select(["map", "map_of_points"]), {"compression": "none"}),
    "error": (tree.select(["error", "points"]), {"compression": "snappy", "data_page_version": "2.0"}),
    "strict": (parquet_made.required(9), {"compression": "none"}),
    "gzip": (flat.select(["i64", "string"]), {"compression": "gzip"}),
    "lz4": (flat.select(["i64", "string"]), {"compression": "lz4"}),
    "delta": (flat.select(["i64", "counter"]), encoded(["i64", "counter"], "DELTA_BINARY_PACKED")),
    "delta_texts": (flat.select(list(texts)), {"use_dictionary": False, "column_encoding": texts, "compression": "none"}),
    "split": (flat.select(["double", "fixed", "i32"]), encoded(["double", "fixed", "i32"], "BYTE_STREAM_SPLIT")),
    "runs": (flat.select(["bool", "bool_runs"]), {**encoded(["bool", "bool_runs"], "RLE"), "data_page_version": "2.0"}),
    "int96": (flat.select(["ts_us"]), {"use_deprecated_int96_timestamps": True}),
    "pages": (
        parquet_made.scalars(60, 0.2).select(["i64", "string"]),
        {"data_page_size": 64, "write_batch_size": 8, "row_group_size": 30, "compression": "none", "dictionary_pagesize_limit": 40},
    ),
    "crc": (flat.select(["i64"]), {"write_page_checksum": True}),
    "empty": (flat.slice(0, 0).select(["i64"]), {}),
}


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def parquet(base):
    for name, (table, options) in FILES.items():
        path = os.path.join(base, "parquet", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        pq.write_table(table, path, store_schema=False, write_statistics=False, **options)
        with open(path, "rb") as file:
            data = file.read()
        length = struct.unpack("<I", data[-8:-4])[0]
        write(os.path.join(base, "parquet_footer", name), data[-8 - length : -8])
        made = pq.ParquetFile(path)
        for c in range(min(made.metadata.num_columns, 4) if made.metadata.num_row_groups else 0):
            write(os.path.join(base, "parquet_page", f"{name}.{c}"), chunk(data, made, c))


def chunk(data, made, c):
    """The form tests/lib/parquet_walk.h tells: a column's shape, then its pages."""
    group = made.metadata.row_group(0)
    column, schema = group.column(c), made.schema.column(c)
    start = min(column.data_page_offset, column.dictionary_page_offset or column.data_page_offset)
    nesting = 0 if schema.max_definition_level == 0 else 1 + schema.max_repetition_level
    width = schema.length if schema.physical_type == "FIXED_LEN_BYTE_ARRAY" else 0
    shape = bytes([TYPES.index(schema.physical_type), min(nesting, 4), CODECS[column.compression], CONVERTED.get(schema.converted_type, 0)])
    shape += struct.pack("<HHBB", group.num_rows, column.num_values, 0, width)
    return shape + data[start : start + column.total_compressed_size]


def deletion(base):
    def vector(*bitmaps):
        out = struct.pack("<IQ", 1681511377, len(bitmaps))
        return out + b"".join(struct.pack("<I", i) + b for i, b in enumerate(bitmaps))

    array = struct.pack("<IIHHI", 12346, 1, 0, 2, 16) + struct.pack("<HHH", 1, 5, 9)
    runs = struct.pack("<IB", 12347 | 1 << 16, 3) + struct.pack("<4H", 0, 9, 1, 4)
    runs += struct.pack("<5H", 2, 0, 1, 7, 7) + struct.pack("<3H", 1, 5, 4)
    bitmap = struct.pack("<IIHHI", 12346, 1, 2, 32767, 16) + b"\x55" * 8192
    for name, data in (("array", vector(array)), ("runs", vector(runs, array)), ("bitmap", vector(bitmap)), ("none", vector())):
        write(os.path.join(base, "deletion", name), data)
    write(os.path.join(base, "deletion", "inline"), b"^Bg9^0rr910000000000iXQKl0rr91000315c8Xg000f5")


parquet(sys.argv[1])
deletion(sys.argv[1])
