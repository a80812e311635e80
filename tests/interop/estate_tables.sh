#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The estate's tables are real: delta-rs opens them and counts what the estate says it wrote.
. tests/cli/lib.sh
[ -x build/venv/bin/python ] || { echo "no build/venv: make setup-tests"; exit 77; }
"$B/weir-estate" --dir "$work/estate" --now 2026-03-02T12:00:00Z >/dev/null
build/venv/bin/python - "$work/estate/tables" <<'X'
import os, sys, glob
from deltalake import DeltaTable
rows = {}
for path in sorted(glob.glob(sys.argv[1] + "/*/*")):
    table = DeltaTable(path)
    rows[path.split("/tables/")[1]] = table.to_pyarrow_table().num_rows
    operations = {c["operation"] for c in table.history()}
    assert "DLT SETUP" in operations, operations
assert rows["fire/collateral_silver"] == 92200, rows
assert rows["fire/collateral_quarantine"] == 7800, rows
assert rows["retail/orders_silver"] > 10000 and rows["hinge/members"] > 10000, rows
# pyarrow's threads may still end when Python is gone, which aborts a process that has passed.
sys.stderr.flush()
os._exit(0)
X
