#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every Delta table of the corpus by its verdict: `weir table detail --json` against the corpus's
INDEX.tsv, every version of every table replayed, and each version that delta-rs opens compared with
it for files and schema.

tests/interop/delta_tables.tsv holds, for each table, `read` or `refused`, and for a refusal the words
its reason must have; for a table whose facts differ from INDEX.tsv's on purpose, the facts and why.
A table of the corpus that the list lacks is a failure. Arguments: build directory, corpus.
"""
import concurrent.futures
import csv
import json
import os
import re
import subprocess
import sys
from urllib.parse import unquote

failures = []
SCHEMA_CUT = 300
INDEX = ("latest", "protocol", "files", "bytes", "rows", "tombstones", "partitionBy", "schema")


def fail(table, text):
    failures.append(f"{table}: {text}")


def weir(build, *arguments):
    done = subprocess.run([f"{build}/weir", "table", *arguments], capture_output=True, timeout=300)
    if done.returncode not in (0, 1):
        return None, f"exit {done.returncode}: {done.stderr.decode()[-300:]}"
    return (done.stdout.decode() if done.returncode == 0 else None), done.stderr.decode().strip()


def facts_of(text):
    """latest=1 ... schema={a:b,c:decimal(3,0)} -> dict of texts"""
    out = {}
    for key in INDEX:
        found = re.search(rf"\b{key}=(\[[^\]]*\]|\([^)]*\)|\S+)", text)
        if key == "schema":
            found = re.search(r"\bschema=\{(.*?)\}(?: |$)", text)
        if found:
            out[key] = found.group(1)
    return out


def own_facts(detail):
    def kind(column):
        return column["name"] + ":" + re.sub(r"<.*", "", column["type"], flags=re.S)
    p = detail["protocol"]
    return {
        "latest": str(detail["version"]),
        "protocol": f"({p['min_reader']},{p['min_writer']})",
        "files": str(detail["files"]),
        "bytes": str(detail["bytes"]),
        "rows": "?" if detail["rows"] is None else str(detail["rows"]),
        "tombstones": str(detail["tombstones"]),
        "partitionBy": "[" + ",".join(detail["partition_columns"]) + "]",
        "schema": ",".join(map(kind, detail["schema"])) or "-",
    }


def verdicts(path):
    with open(path, encoding="utf-8", newline="") as file:
        return {row[0]: row[1:] for row in csv.reader(file, delimiter="\t")
                if row and not row[0].startswith("#")}


def check_detail(build, table, path, facts, verdict):
    """The detail, or None where the table is refused."""
    out, problem = weir(build, "detail", path, "--json")
    if out is None:
        if verdict[0] != "refused":
            fail(table, f"refused: {problem}")
        elif not all(word in problem for word in verdict[1].split("|")):
            fail(table, f"refused, but not for {verdict[1]!r}: {problem}")
        return None
    if verdict[0] == "refused":
        fail(table, f"read, though it should be refused for {verdict[1]!r}")
        return None
    detail = json.loads(out)
    ours, want = own_facts(detail), dict(facts)
    if len(verdict) > 1 and verdict[1]:
        want.update(part.split("=", 1) for part in verdict[1].split())
    for key, value in want.items():
        if key == "schema" and len(value) >= SCHEMA_CUT:
            ours[key] = ours[key][:len(value)]  # INDEX.tsv cuts long ones
        if key == "rows" and ours[key] == "?" and detail["files_without_stats"] > 0:
            continue  # INDEX.tsv counts what a reader of the data saw; the log does not tell
        if ours[key] != value:
            fail(table, f"{key} {ours[key]} instead of {value}")
    return detail


def lines(out):
    return [json.loads(line) for line in out.splitlines()]


def check_sums(table, version, detail, files):
    """The detail's figures are those of the files it counts."""
    rows = [f["rows"] for f in files]
    sums = (len(files), sum(f["size"] for f in files), None if None in rows else sum(rows))
    if sums != (detail["files"], detail["bytes"], detail["rows"]):
        fail(table, f"version {version}: files add up to {sums}")
    if detail["version"] != version:
        fail(table, f"version {version} asked, {detail['version']} told")


def first_version(detail):
    return detail["earliest_restorable_version"]


def logged_versions(path):
    """Versions that have a commit or a checkpoint file."""
    names = os.listdir(os.path.join(path, "_delta_log"))
    return sorted({int(n[:20]) for n in names
                   if re.fullmatch(r"\d{20}\.(json|checkpoint\..*)", n)})


def check_versions(build, table, path, detail):
    """version -> (detail, files) of all that the log can rebuild"""
    out = {}
    first = first_version(detail)
    if first is None:
        fail(table, "no version can be rebuilt, and yet it was read")
        return out
    for version in logged_versions(path):
        if version < first:
            continue
        told, problem = weir(build, "detail", path, "--json", "--version", str(version))
        listed, _ = weir(build, "files", path, "--json", "--version", str(version))
        if told is None or listed is None:
            out[version] = problem
            continue
        one, files = json.loads(told), lines(listed)
        check_sums(table, version, one, files)
        out[version] = (one, files)
    return out


def location(root, path):
    """Where a file is, None on another file system."""
    path = unquote(path)
    if re.match(r"[a-zA-Z]{2,}:", path) and not path.startswith("file:"):
        return None
    path = re.sub(r"^file:/*", "/", path)
    return os.path.join(root, path)


def check_horizon(build, table, path, versions):
    """The standing of each version against what its files and the disk say."""
    out, problem = weir(build, "history", path, "--json")
    if out is None:
        fail(table, f"no history: {problem}")
        return
    history = json.loads(out)
    rows = {v["version"]: v for v in history["versions"]}
    newest = max(rows)
    alive = {location(path, f["path"]) for f in versions[newest][1]}
    for version, row in rows.items():
        told = versions.get(version)
        if told is None or isinstance(told, str):
            if row["standing"] != "listed only":
                fail(table, f"version {version} cannot be rebuilt and is {row['standing']}")
            continue
        if row["timestamp_ms"] is not None and row["timestamp_ms"] != told[0]["timestamp_ms"]:
            fail(table, f"version {version}: time {row['timestamp_ms']}, detail "
                        f"{told[0]['timestamp_ms']}")
        old = [location(path, f["path"]) for f in told[1]]
        old = [p for p in old if p not in alive]
        gone = [p for p in old if p and not os.path.exists(p)]
        vectors = any(f["deletion_vector"] for f in told[1])
        standing = ("current" if version == newest else "listed only" if gone else "restorable")
        if row["standing"] != standing and not (vectors and row["standing"] == "listed only"):
            fail(table, f"version {version} is {row['standing']}, not {standing}: {gone[:2]}")
        # A file with another vector is one more that is old, though its data is not.
        if not vectors and (row["files_old"], row["files_gone"]) != (len(old), len(gone)):
            fail(table, f"version {version}: {row['files_old']} old, {row['files_gone']} gone; "
                        f"{len(old)} and {len(gone)} on disk")


def check_table(job):
    build, corpus, table, facts, verdict = job
    path = os.path.join(corpus, "delta", "tables", table)
    failures.clear()
    detail = check_detail(build, table, path, facts, verdict)
    versions = check_versions(build, table, path, detail) if detail else {}
    unread = {v: p for v, p in versions.items() if isinstance(p, str)}
    excused = verdict[2] if len(verdict) > 2 else ""
    for version, problem in unread.items():
        if not excused or not re.search(excused, problem):
            fail(table, f"version {version} cannot be read: {problem}")
    compared = 0
    if detail:
        check_horizon(build, table, path, versions)
        compared = check_delta_rs(table, path, {v: p for v, p in versions.items() if v not in unread})
    return list(failures), detail is not None, len(versions) - len(unread), len(unread), compared


def their_type(kind):
    if isinstance(kind, str):
        return kind
    if kind["type"] == "array":
        return f"array<{their_type(kind['elementType'])}>"
    if kind["type"] == "map":
        return f"map<{their_type(kind['keyType'])},{their_type(kind['valueType'])}>"
    return "struct<" + ",".join(f"{f['name']}:{their_type(f['type'])}" for f in kind["fields"]) + ">"


def spelled(path, root):
    """One spelling of a path: relative to the table where it lies in it."""
    path = re.sub(r"^file:/*", "/", path)
    return os.path.relpath(path, root) if path.startswith(root + "/") else path


def check_delta_rs(table, path, versions):
    """How many versions delta-rs opened, too."""
    from deltalake import DeltaTable
    compared = 0
    for version, (detail, files) in versions.items():
        try:
            other = DeltaTable(path, version=version)
            theirs = sorted(spelled(uri, os.path.realpath(path)) for uri in other.file_uris())
            schema = json.loads(other.schema().to_json())
        except BaseException:  # it panics through pyo3 on some tables
            continue
        compared += 1
        ours = sorted(spelled(unquote(f["path"]), os.path.realpath(path)) for f in files)
        if ours != theirs:
            fail(table, f"version {version}: files {ours[:3]}..., delta-rs {theirs[:3]}...")
        columns = [(f["name"], their_type(f["type"]), f["nullable"]) for f in schema["fields"]]
        mine = [(c["name"], c["type"], c["nullable"]) for c in detail["schema"]]
        if columns != mine:
            fail(table, f"version {version}: schema {mine}, delta-rs {columns}")
    return compared


def main(build, corpus):
    listed = verdicts(os.path.join(os.path.dirname(__file__), "delta_tables.tsv"))
    with open(os.path.join(corpus, "delta", "INDEX.tsv"), encoding="utf-8") as file:
        index = {row[0]: row for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    index.pop("table", None)
    jobs = []
    for table, row in index.items():
        if table not in listed:
            fail(table, "is in no list of verdicts")
            continue
        jobs.append((build, corpus, table, facts_of(row[5]), listed[table]))
    all_failures = list(failures)
    for table in listed.keys() - index.keys():
        all_failures.append(f"{table}: listed, but not in the corpus")
    read = refused = versions = unread = compared = 0
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        for problems, good, n, m, k in pool.map(check_table, jobs, chunksize=4):
            all_failures += problems
            read += good
            refused += not good
            versions += n
            unread += m
            compared += k
    for text in all_failures[:60]:
        print("FAIL", text[:600])
    print(f"{len(jobs)} tables: {read} read, {refused} refused; {versions} versions replayed, "
          f"{unread} cannot be; {compared} compared with delta-rs; {len(all_failures)} differences")
    return 1 if all_failures or not jobs else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
