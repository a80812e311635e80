#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An event log that is a Delta table, written by delta-rs, against the same events as NDJSON.

Arguments: the programs' folder, the corpus. `weir dump` of both must be equal byte for byte, through
several commits, OPTIMIZE, an overwrite, a cleaned log and VACUUM, reading again must add nothing,
and KILLS (20) kills with SIGKILL while a writer commits and compacts must lose and repeat nothing.
SEED makes a run again.
"""
import json, os, random, shutil, signal, sqlite3, subprocess, sys, tempfile, threading, time, uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, WriterProperties, write_deltalake
from deltalake.transaction import PostCommitHookProperties

B, CORPUS = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
KILLS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("SEED", "1"))
LONG, TEXT, BOOL = pa.int64(), pa.string(), pa.bool_()
FRAME = pa.struct([("declaring_class", TEXT), ("method_name", TEXT), ("file_name", TEXT), ("line_number", LONG)])
SCHEMA = pa.schema([
    ("id", TEXT),
    ("sequence", pa.struct([("data_plane_id", pa.struct([("instance", TEXT), ("seq_no", LONG)])),
                            ("control_plane_seq_no", LONG)])),
    ("origin", pa.struct([(n, TEXT) for n in (
        "cloud", "region", "pipeline_id", "pipeline_type", "pipeline_name", "cluster_id", "update_id", "table_name",
        "dataset_name", "flow_id", "flow_name", "request_id", "maintenance_id", "uc_resource_id", "host",
        "materialization_name", "catalog_name", "schema_name")] + [("org_id", LONG), ("batch_id", LONG)])),
    ("timestamp", pa.timestamp("us", "UTC")), ("message", TEXT), ("level", TEXT), ("maturity_level", TEXT),
    ("error", pa.struct([("fatal", BOOL), ("exceptions", pa.list_(pa.struct([
        ("class_name", TEXT), ("message", TEXT), ("short_class_name", TEXT), ("error_class", TEXT), ("stack", pa.list_(FRAME))])))])),
    ("details", TEXT), ("event_type", TEXT),
    ("ingested_by", pa.map_(TEXT, LONG)),  # a column that no event log has
])
NO_CLEANUP = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
work = Path(tempfile.mkdtemp(prefix="weir-table."))
checks = 0


def check(good, what):
    global checks
    checks += 1
    if not good:
        sys.exit("event_table: %s (kept: %s)" % (what, work))


def fits(value, kind, where):
    """Keys beyond the schema would be lost silently, so they are refused."""
    if pa.types.is_struct(kind):
        fields = {field.name: field.type for field in kind}
        for name in value or {}:
            if name not in fields:
                sys.exit("event_table: the test's schema has no %s.%s" % (where, name))
            fits(value[name], fields[name], where + "." + name)
    elif pa.types.is_list(kind):
        for one in value or []:
            fits(one, kind.value_type, where)


def rows(events):
    """As a table has them."""
    out = []
    for event in events:
        row = dict(event)
        row["timestamp"] = datetime.fromisoformat(row["timestamp"].replace("Z", "+00:00"))
        row["ingested_by"] = [("job", len(out))]
        out.append(row)
        fits(row, pa.struct(list(SCHEMA)), "event")
    return pa.Table.from_pylist(out, SCHEMA)


def put(table, events, mode="append"):
    write_deltalake(str(table), rows(events), mode=mode, post_commithook_properties=NO_CLEANUP,
                    writer_properties=WriterProperties(max_row_group_size=7000))


def config(name, path):
    ini = work / (name + ".ini")
    ini.write_text("[weir]\nstore = %s/%s.db\nlog = %s/%s.log\n[eventlog one]\npath = %s\npoll = 100ms\n"
                   % (work, name, work, name, path))
    return ini


def collect(name):
    done = subprocess.run([B / "weir-collect", "--once", "--config", work / (name + ".ini")], capture_output=True,
                          text=True)
    check(done.returncode == 0, "%s: collect: %s%s" % (name, done.stdout, done.stderr))


def dump(name):
    out = subprocess.run([B / "weir", "dump", "--config", work / (name + ".ini")], capture_output=True, text=True,
                         check=True).stdout.splitlines(keepends=True)
    facts = [(json.loads(line), line) for line in out]
    return ("".join(line for fact, line in facts if fact["kind"] == "event"),
            [fact for fact, _ in facts if fact["kind"] == "undecodable"])


def expect(name, events, lost=()):
    """Equal to the dump of the same events from NDJSON; undecodable facts say these words, no others."""
    plain = name + "-plain"
    log = work / (plain + ".ndjson")
    log.write_text("".join(json.dumps(event) + "\n" for event in events))
    (work / (plain + ".db")).unlink(missing_ok=True)
    config(plain, log)
    collect(plain)
    (want, _), (have, broken) = dump(plain), dump(name)
    check(want.count("\n") == len({e["id"] for e in events}), "%s: the plain log gives other events" % name)
    if want != have:
        a, b = want.splitlines(), have.splitlines()
        first = next(((x, y) for x, y in zip(a, b) if x != y), ("", ""))
        check(False, "%s: %d events, %d expected; first difference:\n%s\n%s" % (name, len(b), len(a), *first))
    said = [fact["reason"] for fact in broken]
    check(len(said) == len(lost), "%s: %d undecodable facts, %d expected: %s" % (name, len(said), len(lost), said))
    for words in lost:
        check(any(words in reason for reason in said), "%s: nothing says %r: %s" % (name, words, said))
    collect(name)
    check(dump(name) == (have, broken), "%s: reading again changed the store" % name)


rng = random.Random(SEED)
made = 0


def invent(n):
    """Events like those of micro-batches, times to the microsecond, strings that need escapes."""
    global made
    out = []
    for _ in range(n):
        made += 1
        level = rng.choice(["INFO", "METRICS", "WARN", "ERROR"])
        when = datetime(2026, 3, 2, 9, tzinfo=timezone.utc) + timedelta(microseconds=made * 1001001)
        event = {"id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
                 "sequence": {"data_plane_id": {"instance": "execution", "seq_no": 1730000000000000 + made},
                              "control_plane_seq_no": 1730000000000000 + made},
                 "origin": {"pipeline_id": "p1", "pipeline_name": "pipe", "update_id": "update-%d" % (made // 500),
                            "flow_name": "flow_%d" % (made % 7), "dataset_name": "set_%d" % (made % 5),
                            "batch_id": made // 7, "org_id": 1234567890123456},
                 "timestamp": when.isoformat().replace("+00:00", "Z"), "level": level, "maturity_level": "STABLE",
                 "message": "event %d: \"quoted\" \\ \n\ttab \u00e9 \U0001f600" % made,
                 "event_type": "flow_progress",
                 "details": json.dumps({"flow_progress": {"status": rng.choice(["RUNNING", "COMPLETED"]), "metrics": {
                     "num_output_rows": made}, "data_quality": {"dropped_records": made % 3, "expectations": [
                         {"name": "valid", "dataset": "set_%d" % (made % 5), "passed_records": made,
                          "failed_records": made % 4}]}}})}
        if level == "ERROR":
            event["error"] = {"fatal": made % 2 == 0, "exceptions": [
                {"class_name": "java.lang.Error", "message": "it \u2028 broke", "stack": [
                    {"declaring_class": "A", "method_name": "b", "file_name": "A.scala", "line_number": made}]}]}
        out.append(event)
    return out


def test_sample():
    """The corpus's sample in three commits, below a pipeline's storage; then compacted."""
    events = [json.loads(line) for line in open(CORPUS / "eventlog/composed/delta_to_json_details_string.ndjson")]
    table = work / "storage/system/events"
    for i in range(0, len(events), 10):
        put(table, events[i:i + 10])
    config("sample", work / "storage")
    collect("sample")
    expect("sample", events)
    DeltaTable(str(table)).optimize.compact()
    expect("sample", events)


def test_life():
    """Commits, compaction, an overwrite; then a log cleaned below the cursor, and VACUUM."""
    table, events = work / "life", []
    config("life", table)
    collect("life")  # before there is a table
    for n in (3, 1, 5000):
        events += invent(n)
        put(table, events[-n:])
        collect("life")
    expect("life", events)
    DeltaTable(str(table)).optimize.compact()
    events += invent(40)
    put(table, events[-40:])
    expect_read = dump("life")[0].count("\n")
    check(expect_read == len(events) - 40, "life: %d events before the last are read" % expect_read)
    collect("life")
    expect("life", events)
    events += invent(7)
    put(table, events[-7:], mode="overwrite")
    collect("life")
    expect("life", events)
    # An index of the file names is not part of it: another checkpoint, another order.
    DeltaTable(str(table)).create_checkpoint()
    late = table.parent / "late"
    shutil.copytree(table, late)
    for name in late.glob("_delta_log/*.json"):
        name.unlink()
    config("late", late)
    collect("late")
    expect("late", events[-7:])  # a table without its first versions: what it holds now
    return table, events


def test_lost(table, events):
    """What was taken away before it was read is told, the rest is read."""
    first = DeltaTable(str(table)).version() + 1
    for _ in range(4):
        events += invent(5)
        put(table, events[-5:])
    DeltaTable(str(table)).create_checkpoint()
    for version in range(0, first + 3):
        (table / ("_delta_log/%020d.json" % version)).unlink()
    collect("life")
    lost = ["versions %d to %d were cleaned from the log before they were read" % (first, first + 2)]
    expect("life", events, lost)
    # Files of a version not read yet, replaced by OPTIMIZE and taken by VACUUM.
    for _ in range(3):
        events += invent(5)
        put(table, events[-5:])
    DeltaTable(str(table)).optimize.compact()
    gone = DeltaTable(str(table)).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    check(gone, "life: VACUUM took nothing")
    collect("life")
    lost.append("was removed before it was read (VACUUM)")
    expect("life", events, lost)
    # Another table in its place.
    shutil.rmtree(table)
    fresh = invent(9)
    put(table, fresh)
    collect("life")
    lost.append("the table was made anew")
    expect("life", events + fresh, lost)
    # A damaged file is told and passed over.
    more = invent(6)
    put(table, more[:3])
    bad = Path(DeltaTable(str(table)).file_uris()[0])
    names = {e["id"] for e in more[:3]}
    for uri in DeltaTable(str(table)).file_uris():
        if set(pq.read_table(uri, columns=["id"])["id"].to_pylist()) == names:
            bad = Path(uri)
    bad.write_bytes(bad.read_bytes()[:-100])
    put(table, more[3:])
    collect("life")
    lost.append(bad.name)
    expect("life", events + fresh + more[3:], lost)


def test_foreign():
    """Column mapping, a partition column, INT96, details as a struct: a log that delta-rs cannot write."""
    table = work / "foreign"
    (table / "_delta_log").mkdir(parents=True)
    events = invent(30)
    for event in events:  # INT96 comes as microseconds
        event.pop("error", None)
        event["details"] = json.loads(event["details"])
    physical = lambda name: "col-" + name
    plain = [("id", "string"), ("timestamp", "timestamp"), ("message", "string"), ("level", "string"),
             ("maturity_level", "string"), ("event_type", "string")]
    mapped = lambda i, name, kind: {"name": name, "type": kind, "nullable": True, "metadata": {
        "delta.columnMapping.id": i, "delta.columnMapping.physicalName": physical(name)}}
    origin = [(n, "long" if n in ("org_id", "batch_id") else "string") for n in sorted(events[0]["origin"])]
    sequence = {"type": "struct", "fields": [mapped(90, "control_plane_seq_no", "long"), mapped(
        91, "data_plane_id", {"type": "struct", "fields": [mapped(92, "instance", "string"), mapped(93, "seq_no", "long")]})]}
    fields = [mapped(i + 1, *field) for i, field in enumerate(plain)]
    fields.append(mapped(50, "origin", {"type": "struct", "fields": [mapped(51 + i, *f) for i, f in enumerate(origin)]}))
    fields.append(mapped(80, "sequence", sequence))
    fields.append({"name": "details", "type": {"type": "struct", "fields": []}, "nullable": True, "metadata": {
        "delta.columnMapping.id": 99, "delta.columnMapping.physicalName": "details"}})
    actions = [{"protocol": {"minReaderVersion": 2, "minWriterVersion": 5}},
               {"metaData": {"id": str(uuid.UUID(int=rng.getrandbits(128))), "format": {"provider": "parquet", "options": {}},
                             "schemaString": json.dumps({"type": "struct", "fields": fields}),
                             "partitionColumns": ["level"], "createdTime": 1772442000000,
                             "configuration": {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "99"}}}]
    for level in sorted({e["level"] for e in events}):
        data = []
        for event in (e for e in events if e["level"] == level):
            row = {physical(n): event[n] for n, _ in plain if n != "level"}
            row[physical("timestamp")] = datetime.fromisoformat(event["timestamp"].replace("Z", "+00:00"))
            row[physical("origin")] = {physical(n): v for n, v in event["origin"].items()}
            seq = event["sequence"]
            row[physical("sequence")] = {physical("control_plane_seq_no"): seq["control_plane_seq_no"], physical(
                "data_plane_id"): {physical(n): v for n, v in seq["data_plane_id"].items()}}
            row["details"] = event["details"]
            data.append(row)
        name = "level %s.parquet" % level
        pq.write_table(pa.Table.from_pylist(data), table / name, use_deprecated_int96_timestamps=True, row_group_size=3)
        check(pq.ParquetFile(table / name).schema.column(1).physical_type == "INT96" , "foreign: no INT96")
        actions.append({"add": {"path": name.replace(" ", "%20"), "partitionValues": {physical("level"): level},
                                "size": (table / name).stat().st_size, "modificationTime": 1772442000000,
                                "dataChange": True}})
    (table / "_delta_log/00000000000000000000.json").write_text("".join(json.dumps(a) + "\n" for a in actions))
    ini = config("foreign", table)
    doctor = subprocess.run([B / "weir-collect", "doctor", "--config", ini], capture_output=True, text=True)
    check("a Delta table, version 0; first 30 rows: 30 events, 0 undecodable" in doctor.stdout,
          "foreign: doctor says %s%s" % (doctor.stdout, doctor.stderr))
    collect("foreign")
    expect("foreign", events)


class Writer(threading.Thread):
    """Commits, compacts and vacuums until it is told to end."""

    def __init__(self, table):
        super().__init__(daemon=True)
        self.table, self.events, self.compacted, self.vacuumed = table, [], 0, 0
        self.ending = threading.Event()

    def run(self):
        chance = random.Random(SEED + 1)
        while not self.ending.is_set():
            new = invent(chance.randrange(1, 300))
            put(self.table, new)
            self.events += new
            if chance.random() < 0.15:
                DeltaTable(str(self.table)).optimize.compact()
                self.compacted += 1
                if chance.random() < 0.3:
                    DeltaTable(str(self.table)).vacuum(retention_hours=0, dry_run=False,
                                                       enforce_retention_duration=False)
                    self.vacuumed += 1
            time.sleep(chance.random() * 0.05)


def kill_within_file(ini):
    """Kills the collector when it has kept a place within the first file; which row that was."""
    for _ in range(10):
        for left in work.glob("kills.db*"):
            left.unlink()
        process = subprocess.Popen([B / "weir-collect", "--config", ini], stderr=subprocess.PIPE)
        until, row, done = time.monotonic() + 60, 0, False
        while not row and not done and time.monotonic() < until:
            row, done = place_kept()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
        row, _ = place_kept()
        if row:
            return row
    check(False, "kills: never caught within a file")


def place_kept():
    """The row in the first file from which reading would go on; whether all of it is read."""
    try:
        with sqlite3.connect("file:%s/kills.db?mode=ro" % work, uri=True) as store:
            place = json.loads(store.execute("SELECT cursor FROM source WHERE cursor IS NOT NULL").fetchone()[0])
    except (sqlite3.Error, TypeError):
        return 0, False
    return (place["r"], False) if place["v"] == 0 else (0, True)


def test_kills():
    table = work / "kills"
    first = invent(40000)
    put(table, first)
    ini = config("kills", table)
    row = kill_within_file(ini)
    writer = Writer(table)
    writer.start()
    chance = random.Random(SEED + 2)
    for _ in range(KILLS):
        process = subprocess.Popen([B / "weir-collect", "--config", ini], stderr=subprocess.PIPE)
        time.sleep(chance.random() ** 2 * 0.4)
        if process.poll() is not None:
            check(False, "kills: ended by itself: %s" % process.stderr.read().decode())
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
    writer.ending.set()
    writer.join()
    collect("kills")
    found = {}
    for line in dump("kills")[0].splitlines():
        ident = json.loads(line)["id"]
        found[ident] = found.get(ident, 0) + 1
    wanted = {e["id"].replace("-", "") for e in first + writer.events}
    twice = sum(n > 1 for n in found.values())
    missing = len(wanted - found.keys())
    told = dump("kills")[1]
    print("seed %d: %d kills, one behind row %d of a file, %d events in %d versions, %d compactions, %d vacuums: %d missing, %d twice, %d strange; "
          "%d facts say what was removed" % (SEED, KILLS, row, len(wanted), DeltaTable(str(table)).version() + 1,
                                             writer.compacted, writer.vacuumed, missing, twice,
                                             len(found.keys() - wanted), len(told)))
    check(not missing and not twice and not found.keys() - wanted, "kills: not each event once")
    check(all("before it was read" in fact["reason"] for fact in told), "kills: told: %s" % told)
    expect_same = dump("kills")
    collect("kills")
    check(dump("kills") == expect_same, "kills: reading again changed the store")


test_sample()
test_lost(*test_life())
test_foreign()
test_kills()
print("%d checks" % checks)
shutil.rmtree(work)
