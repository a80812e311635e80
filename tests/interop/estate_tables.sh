#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The estate's tables are real: delta-rs opens them, from their checkpoints too, and counts what the
# estate says it wrote; every state of the restore horizon is among their versions.
. tests/cli/lib.sh
[ -x build/venv/bin/python ] || { echo "no build/venv: make setup-tests"; exit 77; }
"$B/weir-estate" --dir "$work/estate" --now 2026-03-02T12:00:00Z >/dev/null
build/venv/bin/python - "$work/estate/tables" <<'X'
import os, sys, glob
from deltalake import DeltaTable
rows = {}
for path in sorted(glob.glob(sys.argv[1] + "/*/*")):
    name = path.split("/tables/")[1]
    table = DeltaTable(path)
    rows[name] = table.to_pyarrow_table().num_rows
    operations = {c["operation"] for c in table.history()}
    assert "DLT SETUP" in operations, operations
    assert name != "retail/orders_silver" or {"OPTIMIZE", "VACUUM START", "VACUUM END"} <= operations, operations
    # What a checkpoint says is what the commits below it say: with these aside it is all there is.
    checkpoints = sorted(glob.glob(path + "/_delta_log/*.checkpoint.parquet"))
    assert checkpoints or table.version() < 10, (name, table.version())
    if checkpoints:
        files, metadata = sorted(table.file_uris()), table.metadata()
        at = int(os.path.basename(checkpoints[-1])[:20])
        for commit in glob.glob(path + "/_delta_log/*.json"):
            if int(os.path.basename(commit)[:20]) <= at:
                os.rename(commit, commit + ".aside")
        alone = DeltaTable(path)
        assert (sorted(alone.file_uris()), alone.version()) == (files, table.version()), name
        assert alone.metadata().configuration == metadata.configuration, name
        assert alone.metadata().id == metadata.id, name
        assert alone.schema().to_json() == table.schema().to_json(), name
        for commit in glob.glob(path + "/_delta_log/*.aside"):
            os.rename(commit, commit[: -len(".aside")])
assert rows["fire/collateral_silver"] == 92200, rows
assert rows["fire/collateral_quarantine"] == 7800, rows
assert rows["retail/orders_silver"] > 10000 and rows["hinge/members"] > 10000, rows
# pyarrow's threads may still end when Python is gone, which aborts a process that has passed.
sys.stderr.flush()
os._exit(0)
X
history=$(weir table history "$work/estate/tables/retail/orders_silver" --json)
for state in current restorable listed; do
	echo "$history" | grep -q "\"$state" || die "no version is $state: $(echo "$history" | head -3)"
done
