#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every Delta table of the corpus: its facts, every version, against delta-rs.
[ -d "$CORPUS/delta/tables" ] || { echo "no corpus at $CORPUS"; exit 77; }
[ -x build/venv/bin/python ] || { echo "no build/venv: make setup-tests"; exit 77; }
exec nice build/venv/bin/python tests/interop/delta_tables.py "$B" "$CORPUS"
