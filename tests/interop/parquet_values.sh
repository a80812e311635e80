#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every Parquet file of the corpus, value by value, against DuckDB and pyarrow.
[ -d "$CORPUS/delta/tables" ] || { echo "no corpus at $CORPUS"; exit 77; }
[ -x build/venv/bin/python ] || { echo "no build/venv: make setup-tests"; exit 77; }
exec build/venv/bin/python tests/interop/parquet_values.py "$B/tests/interop/parquet_dump" "$CORPUS/delta"
