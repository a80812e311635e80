#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# See event_table.py: an event log that is a Delta table gives the facts of the same events as NDJSON.
[ -d "$CORPUS/eventlog/composed" ] || { echo "no corpus at $CORPUS"; exit 77; }
[ -x build/venv/bin/python ] || { echo "no build/venv: make setup-tests"; exit 77; }
exec nice build/venv/bin/python tests/interop/event_table.py "$B" "$CORPUS"
