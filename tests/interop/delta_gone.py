#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A table's life from its first commit to a cleaned log: delta-rs writes it, then commits are taken from
its log and files by VACUUM, step by step. After each step the collector looks, and every version ever
written must stand in the console as what is on disk says: current, restorable, listed only, gone.

Argument: build directory.
"""
import json
import os
import subprocess
import sys
import tempfile

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

VERSIONS, CHECKPOINTS = 30, (9, 19, 26)
failures = []
met = set()


def make(path):
    """Writes the versions; what files each needs, by version."""
    files = []
    for version in range(VERSIONS):
        data = pa.table({"id": [version, version + 1], "half": [version % 2, (version + 1) % 2]})
        # Appends with a new beginning now and then, so that versions share files and lose them.
        mode = "overwrite" if version in (0, 5, 12, 22) else "append"
        write_deltalake(path, data, mode=mode, partition_by=["half"])
        table = DeltaTable(path)
        assert table.version() == version
        if version in CHECKPOINTS:
            table.create_checkpoint()
        files.append([uri.removeprefix("file://") for uri in table.file_uris()])
    return files


def log_names(path, version):
    log = os.path.join(path, "_delta_log")
    return (os.path.join(log, f"{version:020d}.json"),
            os.path.join(log, f"{version:020d}.checkpoint.parquet"))


def expected(path, files, version):
    """By brute force, from what is on disk."""
    versions = range(len(files))
    listed = [any(map(os.path.exists, log_names(path, v))) for v in versions]
    newest = max(v for v in versions if listed[v])
    if not listed[version]:
        return "gone"
    if version == newest:
        return "current"
    commits = [os.path.exists(log_names(path, v)[0]) for v in versions]
    bases = [-1] + [v for v in range(version + 1) if os.path.exists(log_names(path, v)[1])]
    known = any(all(commits[base + 1:version + 1]) for base in bases)
    there = all(map(os.path.exists, files[version]))
    return "restorable" if known and there else "listed only"


def look(build, config, path, files, step):
    """The collector looks in a life of its own; what the console then says of every version."""
    done = subprocess.run([f"{build}/weir-collect", "--once", "--config", config], capture_output=True)
    if done.returncode != 0:
        failures.append(f"{step}: the collector: {done.stderr.decode()[-300:]}")
    done = subprocess.run([f"{build}/weir", "--config", config, "--json", "history", "t"],
                          capture_output=True)
    told = {v["version"]: (v["restorable"] or {}).get("standing") for v in json.loads(done.stdout)["versions"]}
    if sorted(told) != list(range(len(files))):
        failures.append(f"{step}: the history has versions {sorted(told)}")
    want = {v: expected(path, files, v) for v in range(len(files))}
    met.update(want.values())
    for version in told:
        if told[version] != want.get(version):
            failures.append(f"{step}: version {version} is {told[version]!r}, not {want.get(version)!r}")
    # The log alone, without what the store remembers: the same, but for what it cannot know of.
    done = subprocess.run([f"{build}/weir", "table", "history", path, "--json"], capture_output=True)
    alone = {v["version"]: v["standing"] for v in json.loads(done.stdout)["versions"]}
    if alone != {v: s for v, s in want.items() if s != "gone"}:
        failures.append(f"{step}: the log alone tells {alone}")
    print(f"{step}: " + " ".join(f"{v}:{s.split()[0][:4]}" for v, s in want.items()))


def main(build):
    with tempfile.TemporaryDirectory() as work:
        path, config = os.path.join(work, "t"), os.path.join(work, "weir.ini")
        files = make(path)
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"[weir]\nstore = {work}/weir.db\n[delta t]\nroot = {path}\n")
        look(build, config, path, files, "written")
        for version in range(9):  # as log cleanup does: all below a checkpoint
            os.unlink(log_names(path, version)[0])
        look(build, config, path, files, "cleaned below 9")
        DeltaTable(path).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
        files += [files[-1]] * (DeltaTable(path).version() + 1 - len(files))  # it commits, too
        look(build, config, path, files, "vacuumed")
        os.unlink(log_names(path, 24)[0])  # a gap above a checkpoint, and one below the next
        look(build, config, path, files, "without 24")
        write_deltalake(path, pa.table({"id": [0], "half": [0]}), mode="overwrite")
        files.append([uri.removeprefix("file://") for uri in DeltaTable(path).file_uris()])
        look(build, config, path, files, "overwritten")
        os.unlink(files[23][0])
        os.unlink(log_names(path, 9)[1])
        look(build, config, path, files, "without checkpoint 9")
        for version in range(26):
            for name in log_names(path, version):
                if os.path.exists(name):
                    os.unlink(name)
        look(build, config, path, files, "cleaned below 26")
    if met != {"current", "restorable", "listed only", "gone"}:
        failures.append(f"only {met} came about")
    for text in failures[:40]:
        print("FAIL", text)
    sys.stdout.flush()
    os._exit(1 if failures else 0)  # pyarrow's threads may still end when Python is gone


main(sys.argv[1])
