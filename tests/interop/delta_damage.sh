#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Logs cut short, with bits flipped, with files lost: an error that names the file, or the same facts.
[ -d "$CORPUS/delta/tables" ] || { echo "no corpus at $CORPUS"; exit 77; }
exec nice python3 tests/interop/delta_damage.py "$B" "$CORPUS"
