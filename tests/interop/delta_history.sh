#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Histories of the corpus's Delta tables: the library, then the command line, against delta-rs.
[ -d "$CORPUS/delta/tables" ] || { echo "no corpus at $CORPUS"; exit 77; }
[ -x build/venv/bin/python ] || { echo "no build/venv: make setup-tests"; exit 77; }
exec build/venv/bin/python tests/interop/delta_history.py "$B" "$CORPUS"
