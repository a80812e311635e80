# SPDX-License-Identifier: Apache-2.0
"""Lag of readers that keep their offsets in checkpoints, against watermarks asked for by kcat.
Arguments: weir, its configuration, bootstrap servers, the checkpoints' root, sweep seconds."""
import json, os, subprocess, sys, threading, time

weir, config, kafka, root, every = sys.argv[1:5] + [float(sys.argv[5])]
failures = []

def check(good, text):
    if not good:
        failures.append(text)
        print("FAILED:", text, flush=True)

def watermarks(topic, partitions, which):
    """{partition: offset}; which: -1 end, -2 begin."""
    args = ["kcat", "-b", kafka, "-Q"]
    for p in range(partitions):
        args += ["-t", f"{topic}:{p}:{which}"]
    out = subprocess.run(args, capture_output=True, text=True, timeout=60, check=True).stdout
    said = {}
    for line in out.splitlines():  # "topic [0] offset 12"
        words = line.split()
        said[int(words[1].strip("[]"))] = int(words[3])
    return said

def lag(reader):
    out = subprocess.run([weir, "lag", "--json", "--config", config], capture_output=True, text=True, timeout=60)
    rows = [r for r in json.loads(out.stdout)["readers"] if r["reader"] == reader] if out.returncode == 0 else []
    return rows[0] if rows else None

def put(reader, log, batch, text):
    folder = f"{root}/{reader}/{log}"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/.{batch}.tmp", "w") as f:
        f.write(text)
    os.rename(f"{folder}/.{batch}.tmp", f"{folder}/{batch}")

def batch(reader, n, topic, offsets):
    at = int(time.time() * 1000)
    put(reader, "offsets", n, "v1\n" + json.dumps({"batchTimestampMs": at}) + "\n"
        + json.dumps({topic: {str(p): o for p, o in offsets.items()}}))

def commit(reader, n):
    put(reader, "commits", n, 'v1\n{"nextBatchWatermarkMs":0}')

class Traffic(threading.Thread):
    """One kcat a partition that is fed without end."""
    def __init__(self, topic, partitions, pause, size):
        super().__init__(daemon=True)
        self.out = [subprocess.Popen(["kcat", "-b", kafka, "-P", "-t", topic, "-p", str(p), "-X", "linger.ms=20"],
                                     stdin=subprocess.PIPE) for p in range(partitions)]
        self.pause, self.line, self.going = pause, b"x" * size + b"\n", True

    def run(self):
        n = 0
        while self.going:
            for p, kcat in enumerate(self.out):
                kcat.stdin.write(self.line * (1 + (n + p) % 5))
                kcat.stdin.flush()
            n += 1
            time.sleep(self.pause)

    def stop(self):
        self.going = False
        self.join()
        for kcat in self.out:
            kcat.stdin.close()
            kcat.wait(20)

def wait_for(what, seconds, test):
    end = time.time() + seconds
    while time.time() < end:
        said = test()
        if said:
            return said
        time.sleep(0.2)
    check(False, f"waited in vain: {what}")
    return None

# ---- while traffic runs, and after it ----
traffic = Traffic("moving", 4, 0.05, 100)
traffic.start()
time.sleep(1)
done = {p: 0 for p in range(4)}
compared = 0
for n in range(6):
    before = watermarks("moving", 4, -1)
    goal = {p: done[p] + (before[p] - done[p]) * (p + 1) // 5 for p in range(4)}
    batch("q", n, "moving", goal)
    if n == 3:  # under way for a while: what is done is what the batch before it did
        time.sleep(every * 1.5)
        row = lag("q")
        check(row and {p["partition"]: p["processed"] for p in row["partitions"]} == done, "a batch under way counts as done")
    commit("q", n)
    done = goal
    low_bound = watermarks("moving", 4, -1)
    row = wait_for(f"batch {n}", 60, lambda: (
        lambda r: r if r and {p["partition"]: p["processed"] for p in r["partitions"]} == done
        and all((p["high"] or 0) >= low_bound[p["partition"]] for p in r["partitions"]) else None)(lag("q")))
    after = watermarks("moving", 4, -1)
    if not row:
        continue
    for p in row["partitions"]:
        k = p["partition"]
        check(low_bound[k] - done[k] <= p["lag_records"] <= after[k] - done[k],
              f"partition {k}: lag {p['lag_records']}, independently {low_bound[k] - done[k]} to {after[k] - done[k]}")
        compared += 1
    check(sum(p["lag_records"] for p in row["partitions"]) == row["lag_records"], "partitions do not add up")
traffic.stop()
ends = watermarks("moving", 4, -1)
exact = wait_for("the same numbers in silence", 60, lambda: (
    lambda r: r and {p["partition"]: p["lag_records"] for p in r["partitions"]}
    == {k: ends[k] - done[k] for k in ends})(lag("q")))
check(compared >= 20, f"only {compared} partitions compared under traffic")
print(f"compared {compared} under traffic; in silence equal: {bool(exact)}", flush=True)

# ---- a stopped reader, and retention ----
traffic = Traffic("short", 1, 0.02, 500)
traffic.start()
time.sleep(6)
stopped = watermarks("short", 1, -1)[0] - 10
batch("slow", 0, "short", {0: stopped})
commit("slow", 0)
lost_at = None  # between the look that did not see it yet and the one that did
samples = []    # when it was asked for, when it was told, seconds
looked_at = time.time()
end = time.time() + 150
while time.time() < end and lost_at is None:
    asked_at = time.time()
    row = lag("slow")
    if row and row["loss_in_seconds"] is not None:
        samples.append((asked_at, time.time(), row["loss_in_seconds"]))
        check(row["drain_seconds"] is None, "a stopped reader drains")
    looks_at = time.time()
    if watermarks("short", 1, -2)[0] > stopped:
        lost_at = (looked_at, time.time())
    looked_at = looks_at
    time.sleep(0.3)
check(lost_at is not None, "retention did not pass the reader")
check(len(samples) >= 5, f"only {len(samples)} samples of time to loss")
if lost_at and samples:
    # How much too late and too early it was told for certain: nobody knows more than when we looked.
    late = max(asked + s - lost_at[1] for asked, _, s in samples)
    early = max(lost_at[0] - told - s for _, told, s in samples)
    print(f"{len(samples)} samples; loss told {-early:+.1f} to {late:+.1f} s from when it was; "
          f"{samples[0][2]} s at first, {samples[-1][2]} s at last", flush=True)
    # Whole segments go, once their newest record is old enough, at the next look: 1.5 s here.
    check(max(late, early) <= every + 1.5, "time to loss is off by more than a sweep")
    falling = [s for _, _, s in samples]
    check(all(b <= a + every for a, b in zip(falling, falling[1:])) and falling[-1] < falling[0] - 3,
          f"it does not count down: {falling}")
begin = watermarks("short", 1, -2)[0]
row = wait_for("lost rows are stated", 60, lambda: (
    lambda r: r if r and (r["lost_records"] or 0) >= begin - stopped else None)(lag("slow")))
after = watermarks("short", 1, -2)[0]
if row:
    check(begin - stopped <= row["lost_records"] <= after - stopped,
          f"lost {row['lost_records']}, independently {begin - stopped} to {after - stopped}")
traffic.stop()
sys.exit(1 if failures else 0)
