#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Damages every log file of some of the corpus's tables, one at a time, and reads the table.

Always: exit 0 or 1 within ten seconds and 1 GiB of memory; a refusal is one line that names the file
or says what is missing. Lost and cut files are never read as another table: the facts are the same,
or it is refused, unless the cut fell between two lines of a commit, which nothing can tell. Flipped
bits may change a figure that nothing checks; how many did is printed. Arguments: build, corpus.
"""
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile

TABLES = [
    "spark-golden__basic-with-inserts-deletes-checkpoint",
    "spark-golden__multi-part-checkpoint",
    "kernelrs__v2-checkpoints-json-with-sidecars",
    "kernelrs__v2-checkpoints-parquet-with-sidecars",
    "kernelrs__v2-classic-checkpoint-parquet",
    "spark-golden__dv-partitioned-with-checkpoint",
    "deltars__cdc_ict_table",
    "deltars__table_with_deletion_logs",
    "deltars__checkpoint_with_partitions",
]
FACTS = ("version", "files", "bytes", "rows", "tombstones", "schema", "protocol", "partition_columns")
# Words of refusals that need not name the damaged file: what it held is missing.
MISSING = ("no protocol action", "no metaData action", "reader version", "reader feature",
           "is missing", "no version", "neither commits nor a checkpoint", "has no minReaderVersion")
GIB = 1 << 30
failures = []
counts = {"same": 0, "refused": 0, "other figures": 0, "between lines": 0}


def limits():
    if os.environ.get("MODE", "release") not in ("asan", "tsan"):  # whose shadows are larger than that
        resource.setrlimit(resource.RLIMIT_AS, (GIB, GIB))


def detail(build, path, *more):
    """(facts or None, what it said)"""
    try:
        done = subprocess.run([f"{build}/weir", "table", "detail", path, "--json", *more],
                              capture_output=True, timeout=10, preexec_fn=limits)
    except subprocess.TimeoutExpired:
        return None, "HANGS"
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode == 0:
        told = json.loads(done.stdout)
        return {key: told[key] for key in FACTS}, said
    return None, said if done.returncode == 1 and said else f"EXIT {done.returncode}: {said}"


def log_files(log):
    for folder, _, names in os.walk(log):
        yield from (os.path.relpath(os.path.join(folder, n), log) for n in sorted(names))


def damages(data, draw):
    """(kind, bytes or None: lost)"""
    yield "lost", None
    for size in sorted({0, 1, len(data) // 3, len(data) // 2, max(len(data) - 9, 0),
                        max(len(data) - 2, 0)}):
        if size < len(data):
            yield "cut", data[:size]
    for _ in range(6):
        flipped = bytearray(data)
        for _ in range(draw.choice((1, 1, 4))):
            flipped[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        yield "flipped", bytes(flipped)
    yield "zeros", bytes(len(data))


def whole_lines(data, name):
    """A commit cut behind a line is a shorter commit, and an empty one is an empty version."""
    if not name.endswith(".json") or data is None:
        return False
    try:
        return all(json.loads(line) for line in data.splitlines())
    except ValueError:
        return False


def judge(where, kind, name, data, whole, got, said):
    if got is None:
        counts["refused"] += 1
        if said.startswith(("EXIT", "HANGS")) or "\n" in said:
            failures.append(f"{where}: {said[:300]}")
        elif os.path.basename(name) not in said and not any(word in said for word in MISSING):
            failures.append(f"{where}: refused without naming it: {said[:300]}")
    elif got == whole:
        counts["same"] += 1
    elif whole_lines(data, name):
        counts["between lines"] += 1
    elif kind == "flipped":
        counts["other figures"] += 1
    elif kind == "lost" and got["version"] != whole["version"]:
        counts["between lines"] += 1  # the newest commit lost is an older table
    else:
        failures.append(f"{where}: read as another table: "
                        f"{[(k, got[k], whole[k]) for k in FACTS if got[k] != whole[k]]}")


def check(build, corpus, table, into):
    source = os.path.join(corpus, "delta", "tables", table, "_delta_log")
    path = os.path.join(into, table)
    log = os.path.join(path, "_delta_log")
    shutil.copytree(source, log)
    subprocess.run(["chmod", "-R", "u+w", path], check=True)
    whole, said = detail(build, path)
    if whole is None:
        failures.append(f"{table}: undamaged, and yet: {said}")
        return
    draw = random.Random(table)
    for name in list(log_files(log)):
        file = os.path.join(log, name)
        with open(file, "rb") as stream:
            data = stream.read()
        if not data:
            continue
        for kind, damaged in damages(data, draw):
            os.unlink(file)
            if damaged is not None:
                with open(file, "wb") as stream:
                    stream.write(damaged)
            else:
                open(file + ".elsewhere", "wb").close()  # no other name than engines leave
            got, said = detail(build, path)
            judge(f"{table}/{name} {kind}", kind, name, damaged, whole, got, said)
            if damaged is None:
                os.unlink(file + ".elsewhere")
            with open(file, "wb") as stream:
                stream.write(data)
    shutil.rmtree(path)


def main(build, corpus):
    with tempfile.TemporaryDirectory() as into:
        for table in TABLES:
            check(build, corpus, table, into)
    for text in failures[:30]:
        print("FAIL", text)
    print(f"{sum(counts.values())} damages: " + ", ".join(f"{n} {k}" for k, n in counts.items()) +
          f"; {len(failures)} failures")
    return 1 if failures or sum(counts.values()) < 500 else 0


sys.exit(main(sys.argv[1], sys.argv[2]))
