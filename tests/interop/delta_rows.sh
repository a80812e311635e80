#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rows of the corpus's Delta tables with expected rows: log, deletion vectors, partitions, Parquet.
[ -d "$CORPUS/delta/expected" ] || { echo "no corpus at $CORPUS"; exit 77; }
exec nice python3 tests/interop/delta_rows.py "$B" "$CORPUS"
