#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every event in the store exactly once, however often the collector is killed.

A writer lets a log grow: lines in halves, rotation by rename and by copy and truncate, packed old
parts, the same event twice, broken lines. Meanwhile the collector is started and killed with
SIGKILL after a random time, KILLS times (200). Then `--once` reads the rest, and the store's dump
must hold each event's id once. SEED makes a run again; B says where the programs are.
"""
import gzip, json, os, random, shutil, signal, subprocess, sys, tempfile, threading, time, uuid

B = os.environ.get("B", "build/release")
KILLS = int(os.environ.get("KILLS", "200"))
SEED = int(os.environ.get("SEED", "1"))
ROTATE_EVERY = 0.35  # seconds, about
STATES = ["RUNNING", "COMPLETED", "QUEUED", "STARTING"]


class Writer(threading.Thread):
    """The process that logs: only it rotates, so that nothing is lost before Weir can see it."""

    def __init__(self, path, rng):
        super().__init__(daemon=True)
        self.path, self.rng = path, rng
        self.ids, self.broken, self.parts = [], 0, 0
        self.ending = threading.Event()
        self.file = open(path, "ab", buffering=0)

    def event(self):
        ident = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        self.ids.append(ident)
        n = len(self.ids)
        update = "update-%d" % (n // 500)
        kind = self.rng.choice(["flow_progress", "flow_progress", "update_progress", "user_action"])
        details = {"flow_progress": {"status": self.rng.choice(STATES), "metrics": {"num_output_rows": n}},
                   "update_progress": {"state": self.rng.choice(STATES)},
                   "user_action": {"action": "START", "user_name": "someone"}}[kind]
        return {"id": ident,
                "timestamp": "2026-03-02T%02d:%02d:%02d.%03dZ" % (n // 3600000 % 24, n // 60000 % 60, n // 1000 % 60, n % 1000),
                "level": self.rng.choice(["INFO", "METRICS", "WARN", "ERROR"]),
                "event_type": kind, "message": "event %d" % n, "maturity_level": "STABLE",
                "origin": {"pipeline_id": "p1", "pipeline_name": "pipe", "update_id": update,
                           "flow_name": "flow_%d" % (n % 7), "batch_id": n // 7},
                "details": {kind: details}, "padding": "x" * self.rng.randrange(0, 600)}

    def rotate(self):
        how = self.rng.random()
        self.parts += 1
        name = "%s.%d" % (self.path, self.parts)
        if how < 0.5:
            os.rename(self.path, name)
            self.file.close()
            self.file = open(self.path, "ab", buffering=0)
        else:
            shutil.copyfile(self.path, name)
            self.file.truncate(0)
        old = "%s.%d" % (self.path, self.parts - 2)
        if self.rng.random() < 0.5 and os.path.exists(old):
            with open(old, "rb") as plain, gzip.open(old + ".tmp", "wb", compresslevel=1) as packed:
                shutil.copyfileobj(plain, packed)
            os.rename(old + ".tmp", old + ".gz")
            os.unlink(old)

    def run(self):
        next_rotation = time.monotonic() + ROTATE_EVERY
        recent = []
        while not self.ending.is_set():
            lines = []
            for _ in range(self.rng.randrange(1, 30)):
                chance = self.rng.random()
                if chance < 0.01 and recent:
                    lines.append(self.rng.choice(recent))
                    continue
                if chance < 0.02:
                    self.broken += 1
                    lines.append(b'{"id": "broken %d", "timestamp": ' % self.broken)
                    continue
                lines.append(json.dumps(self.event()).encode())
                recent = (recent + [lines[-1]])[-50:]
            data = b"\n".join(lines) + b"\n"
            cut = self.rng.randrange(len(data))
            self.file.write(data[:cut])
            time.sleep(self.rng.random() * 0.004)
            self.file.write(data[cut:])
            if time.monotonic() >= next_rotation:
                self.rotate()
                next_rotation = time.monotonic() + ROTATE_EVERY * (0.5 + self.rng.random())
            time.sleep(self.rng.random() * 0.01)
        self.file.close()


def main():
    rng = random.Random(SEED)
    work = tempfile.mkdtemp(prefix="weir-kill9.")
    path, store, config = (os.path.join(work, n) for n in ("log/events.ndjson", "weir.db", "weir.ini"))
    os.mkdir(os.path.dirname(path))
    with open(config, "w") as out:
        out.write("[weir]\nstore = %s\nlog = %s/log.txt\n[eventlog grow]\npath = %s\n" % (store, work, path))
    command = [os.path.join(B, "weir-collect"), "--config", config]
    writer = Writer(path, random.Random(SEED + 1))
    writer.start()
    early = 0
    for kill in range(KILLS):
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        time.sleep(rng.random() ** 2 * 0.25)
        if process.poll() is not None:
            print("ended by itself: %s %s" % (process.returncode, process.stderr.read().decode()))
            return 1
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
    writer.ending.set()
    writer.join()
    once = subprocess.run(command + ["--once"], capture_output=True, text=True)
    print(once.stdout.strip(), once.stderr.strip())
    found = {}
    dump = subprocess.run(command + ["dump"], capture_output=True, text=True, check=True)
    for line in dump.stdout.splitlines():
        fact = json.loads(line)
        if fact["kind"] == "event":
            found[fact["id"]] = found.get(fact["id"], 0) + 1
    expected = {i.replace("-", "") for i in writer.ids}
    missing = expected - found.keys()
    twice = [i for i, n in found.items() if n > 1]
    strange = found.keys() - expected
    again = subprocess.run(command + ["--once"], capture_output=True, text=True)
    second = subprocess.run(command + ["dump"], capture_output=True, text=True, check=True)
    print("seed %d: %d kills, %d rotations, %d events written, %d found, %d missing, %d twice, %d strange; "
          "%d broken lines" % (SEED, KILLS, writer.parts, len(expected), len(found), len(missing), len(twice),
                               len(strange), writer.broken))
    same = second.stdout == dump.stdout
    if not same:
        print("reading again changed the store: %s" % again.stdout)
    good = once.returncode == 0 and not missing and not twice and not strange and same
    if good:
        shutil.rmtree(work)
    else:
        print("kept for you: %s; first missing: %s" % (work, sorted(missing)[:3]))
    return 0 if good else 1


sys.exit(main())
