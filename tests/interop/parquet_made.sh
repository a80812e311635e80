#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Parquet files of every encoding, codec and shape, written by DuckDB and pyarrow, value by value.
. tests/cli/lib.sh
[ -x build/venv/bin/python ] || { echo "no build/venv: make setup-tests"; exit 77; }
mkdir "$work/made"
build/venv/bin/python tests/interop/parquet_made.py "$B/tests/interop/parquet_dump" "$work/made"
