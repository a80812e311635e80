#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sums what the sampling consumer told, the newest row of a minute counting, by table.

tables.py equal FACTS COUNTS   every table's records and tombstones are those that were sent
tables.py top FACTS TABLE      the table has the most records
"""
import sys


def totals(path):
    rows = {}
    for line in open(path):
        word = line.split()
        if len(word) == 13 and word[0] == "table":
            rows[word[1], word[2], word[3]] = int(word[4]), int(word[11])
    out = {}
    for (topic, table, _), (records, tombstones) in rows.items():
        before = out.get((topic, table), (0, 0))
        out[topic, table] = before[0] + records, before[1] + tombstones
    return out


told = totals(sys.argv[2])
if sys.argv[1] == "top":
    best = max(told, key=lambda key: told[key], default=None)
    print(best, told.get(best))
    sys.exit(0 if best and best[1] == sys.argv[3] else 1)
sent = {}
for line in open(sys.argv[3]):
    word = line.split()
    sent[word[0], word[1]] = int(word[2]), int(word[3])
wrong = [(key, sent.get(key), told.get(key)) for key in sorted(set(sent) | set(told))
         if sent.get(key) != told.get(key)]
print(f"records {sum(v[0] for v in told.values())} of {sum(v[0] for v in sent.values())}, "
      f"tables {len(told)} of {len(sent)}, wrong {len(wrong)}")
for one in wrong[:5]:
    print(*one)
sys.exit(1 if wrong or not sent else 0)
