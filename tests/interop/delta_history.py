#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares Weir's history of every Delta table of the corpus with two other readers:

1. delta-rs, DeltaTable.history(), wherever it opens the table: the same commits in the same order
   with the same words. It lists commits that have a commitInfo; ours lists the others, too.
2. This file, which reads the JSON of each commit (Python's json) and applies the protocol's rules
   for times: the in-commit timestamp where the table has them, else the file's, made to ascend.

Arguments: build directory, corpus. Both readers of ours are tried: the library (delta_dump) and,
where it is built, `weir history PATH --json`.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

from deltalake import DeltaTable

# Known differences to delta-rs, each with its reason; everything else is a failure.
NUMBERS_BY_COUNTING = (
    "delta-rs numbers commits by counting down from the latest version, so every commit older than "
    "a gap or than a commit without commitInfo gets a wrong number; versions here are file names"
)
# Tables that delta-rs does not open, and why (not a difference: nothing to compare with).
NOT_OPENED = [
    ("found gap", "commits are missing and no checkpoint stands in: ours lists what is there"),
    ("Max catalog version", "catalog-managed: ours lists the published commits and says so"),
    ("Feature 'catalogOwned'", "catalog-managed under its preview name"),
    ("Reader features must not be present", "written by an old delta-rs against the protocol"),
    ("Unsupported Delta table type", "geometry columns: no hindrance to a history"),
    ("TIMESTAMP_NANOS", "a column type delta-rs does not read: no hindrance to a history"),
    ("unmasked nulls in non-nullable", "metaData without schema: only its history can be read"),
    ("No table metadata found", "no metaData in the log: no hindrance to a history"),
    ("No protocol found", "no protocol in the log: no hindrance to a history"),
    ("Invalid JSON in file stats", "stats that are no JSON: rows are unknown, the rest is read"),
    ("Invalid Checkpoint", "a part of a checkpoint is lost; the JSON commits are all there"),
    ("Corrupt footer", "a truncated checkpoint; the JSON commits are all there"),
    ("NotFound|not found|No such file", "a checkpoint's sidecar is lost; the JSON commits are there"),
]
NO_JSON_COMMIT = b"the log has no JSON commit"
FIELDS = {  # ours -> delta-rs's
    "operation": "operation",
    "operation_parameters": "operationParameters",
    "operation_metrics": "operationMetrics",
    "user_name": "userName",
    "read_version": "readVersion",
    "is_blind_append": "isBlindAppend",
}
failures = []


def fail(table, text):
    failures.append(f"{table}: {text}")


def objects(text):
    """The JSON objects of a commit, each line's first; or one object over several lines."""
    decoder = json.JSONDecoder()
    at = 0
    while at < len(text):
        if text[at].isspace() or text[at] == "\ufeff":
            at += 1
            continue
        value, at = decoder.raw_decode(text, at)
        yield value
        end = text.find("\n", at)
        at = len(text) if end < 0 else end + 1


def commits(log):
    """version -> (commitInfo or None, metaData or None, modification time in ms)"""
    out = {}
    for name in os.listdir(log):
        path = os.path.join(log, name)
        if not re.fullmatch(r"\d{20}\.json", name) or not os.path.isfile(path):
            continue
        info = metadata = None
        with open(path, encoding="utf-8") as file:
            for value in objects(file.read()):
                info = info or value.get("commitInfo")
                metadata = value.get("metaData") or metadata
        out[int(name[:20])] = (info, metadata, os.stat(path).st_mtime_ns // 1_000_000)
    return dict(sorted(out.items()))


def check_own_reading(table, ours, log):
    """Every version once, newest first, with the protocol's times and the writer's words."""
    wanted = commits(log)
    versions = [v["version"] for v in ours]
    if versions != sorted(wanted, reverse=True):
        fail(table, f"versions {versions} instead of {sorted(wanted, reverse=True)}")
        return
    in_commit, last = None, None
    for row in reversed(ours):
        info, metadata, mtime = wanted[row["version"]]
        info = info or {}
        if metadata:
            in_commit = (metadata.get("configuration") or {}).get(
                "delta.enableInCommitTimestamps") == "true"
        time = info.get("inCommitTimestamp") if in_commit is not False else None
        if time is None:
            time = mtime if last is None else max(mtime, last + 1)
            last = time
        if row["timestamp_ms"] != time:
            fail(table, f"version {row['version']}: time {row['timestamp_ms']} instead of {time}")
        for mine, theirs in FIELDS.items():
            if row[mine] != info.get(theirs):
                fail(table, f"version {row['version']}: {mine} {row[mine]!r} instead of "
                            f"{info.get(theirs)!r}")
        engine = info.get("engineInfo") or info.get("clientVersion")
        if row["engine"] != engine:
            fail(table, f"version {row['version']}: engine {row['engine']!r}, not {engine!r}")


def check_delta_rs(table, ours, path, log):
    """Returns "same", "numbered" (the known difference) or "not opened"."""
    try:
        theirs = DeltaTable(path).history()
    except BaseException as error:  # delta-rs panics through pyo3 on some tables
        if not any(re.search(pattern, str(error)) for pattern, _ in NOT_OPENED):
            fail(table, f"delta-rs fails for a reason not listed here: {error}")
        return "not opened"
    told = {v for v, (info, _, _) in commits(log).items() if info}
    listed = [v for v in ours if v["version"] in told]
    if len(listed) != len(theirs):
        fail(table, f"{len(listed)} commits with commitInfo, delta-rs lists {len(theirs)}")
        return "same"
    for mine, other in zip(listed, theirs):
        for a, b in FIELDS.items():
            if mine[a] != other.get(b):
                fail(table, f"version {mine['version']}: {a} {mine[a]!r}, delta-rs {other.get(b)!r}")
    numbers = [v["version"] for v in listed], [c["version"] for c in theirs]
    if numbers[0] == numbers[1]:
        return "same"
    whole = len(ours) == len(listed) and ours[0]["version"] - ours[-1]["version"] + 1 == len(ours)
    if whole:
        fail(table, f"versions {numbers[0]}, delta-rs {numbers[1]}; not for: {NUMBERS_BY_COUNTING}")
    return "numbered"


def tables_of(corpus):
    for path, names, _ in sorted(os.walk(os.path.join(corpus, "delta", "tables"))):
        if "_delta_log" in names:
            names.clear()
            yield path


def big_tables(corpus, into):
    """Unpacks the two large logs; none where tar cannot."""
    for name in sorted(os.listdir(os.path.join(corpus, "delta", "big"))):
        archive = os.path.join(corpus, "delta", "big", name)
        done = subprocess.run(["tar", "-C", into, "-xf", archive], capture_output=True)
        if done.returncode != 0:
            print(f"{name} not tried: tar: {done.stderr.decode().strip()}")
    for path, names, _ in os.walk(into):
        if "_delta_log" in names:
            names.clear()
            yield path


def read_all(command, paths):
    """path -> what one of our readers prints; a crash, a hang or no JSON is a failure."""
    out = {}
    for path in paths:
        try:
            done = subprocess.run(command(path), capture_output=True, timeout=300)
            out[path] = json.loads(done.stdout)["versions"]
            if done.returncode != 0:
                fail(path, f"exit {done.returncode}: {done.stderr.decode()[-400:]}")
        except subprocess.TimeoutExpired:
            fail(path, "hangs")
        except (json.JSONDecodeError, KeyError):
            if done.returncode == 1 and NO_JSON_COMMIT in done.stderr and not commits(
                    os.path.join(path, "_delta_log")):
                continue  # it says why there is no history, instead of an empty one
            fail(path, f"exit {done.returncode}, no JSON: {done.stderr.decode()[-400:]}")
    return out


def main(build, corpus):
    readers = {"library": lambda path: [f"{build}/tests/interop/delta_dump", path]}
    if os.access(f"{build}/weir", os.X_OK):
        readers["weir"] = lambda path: [f"{build}/weir", "history", path, "--json"]
    paths = list(tables_of(corpus))
    with tempfile.TemporaryDirectory() as into:
        big = list(big_tables(corpus, into))
        for name, command in readers.items():
            counts = {"same": 0, "numbered": 0, "not opened": 0}
            for path, ours in read_all(command, paths).items():
                log = os.path.join(path, "_delta_log")
                table = f"{name}: {os.path.relpath(path, corpus)}"
                check_own_reading(table, ours, log)
                if ours or commits(log):
                    counts[check_delta_rs(table, ours, path, log)] += 1
            for path, ours in read_all(command, big).items():
                check_own_reading(f"{name}: {path}", ours, os.path.join(path, "_delta_log"))
            print(f"{name}: {len(paths)} tables, {len(big)} large; delta-rs agrees on "
                  f"{counts['same']}, on {counts['numbered']} but for its numbers, does not open "
                  f"{counts['not opened']}")
    for text in failures[:40]:
        print("FAIL", text[:400])
    print(f"{len(failures)} differences")
    return 1 if failures or not paths else 0


sys.exit(main(sys.argv[1], sys.argv[2]))
