#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds what a sweep says against kafka-consumer-groups, whose answers before and after bound it.

compare.py BEFORE FACTS AFTER        --describe --all-groups, sweep's lines, the same again
compare.py --never-negative FACTS    no reader is ever ahead of its topic's end, in any sweep
compare.py --lost GROUP TOPIC FACTS  exit 0 when the topic begins behind what the group has read
"""
import sys


def tool(path):
    rows = {}
    for line in open(path):
        word = line.split()
        if len(word) < 6 or word[0] == "GROUP" or not word[2].isdigit():
            continue
        number = lambda text: int(text) if text.lstrip("-").isdigit() and text != "-" else None
        rows[word[0], word[1], int(word[2])] = number(word[3]), number(word[4])
    return rows


def facts(path):
    """A list of sweeps: positions and marks."""
    sweeps, positions, marks = [], {}, {}
    number = lambda text: None if text == "-" else int(text)
    for line in open(path):
        word = line.split()
        if word[0] == "position":
            positions[word[1], word[2], int(word[3])] = number(word[4])
        elif word[0] == "mark":
            marks[word[1], int(word[2])] = number(word[5]), number(word[6])
        elif word[0] == "sweep":
            sweeps.append((positions, marks))
            positions, marks = {}, {}
    return sweeps


def compare(before_path, facts_path, after_path):
    before, after = tool(before_path), tool(after_path)
    positions, marks = facts(facts_path)[-1]
    bad = 0
    if not before or set(before) != set(after):
        print("the tool's own answers differ in their partitions")
        return 1
    if set(positions) != set(before):
        print("partitions:", sorted(set(positions) ^ set(before))[:10])
        return 1
    for key in sorted(before):
        (low_commit, low_end), (high_commit, high_end) = before[key], after[key]
        commit, end = positions[key], marks[key[1], key[2]][1]
        good = low_end <= end <= high_end
        if low_commit is None or commit is None:
            good = good and (commit is None) == (low_commit is None or high_commit is None)
        else:
            good = good and low_commit <= commit <= high_commit and commit <= end
        if not good:
            print(key, "tool", before[key], after[key], "sweep", commit, end)
            bad += 1
    print(f"{len(before)} partitions of {len({k[0] for k in before})} groups compared, {bad} differ")
    return 1 if bad else 0


def never_negative(path):
    sweeps = facts(path)
    pairs = 0
    for positions, marks in sweeps:
        for (group, topic, partition), commit in positions.items():
            end = marks.get((topic, partition), (None, None))[1]
            if commit is None or end is None:
                continue
            pairs += 1
            if commit > end:
                print(group, topic, partition, "has read", commit, "of", end)
                return 1
    print(f"{len(sweeps)} sweeps, {pairs} lags, none negative")
    return 0 if len(sweeps) > 1 and pairs > 0 else 1


def lost(group, topic, path):
    positions, marks = facts(path)[-1]
    return 0 if marks[topic, 0][0] > positions[group, topic, 0] else 1


if sys.argv[1] == "--never-negative":
    sys.exit(never_negative(sys.argv[2]))
if sys.argv[1] == "--lost":
    sys.exit(lost(*sys.argv[2:5]))
sys.exit(compare(*sys.argv[1:4]))
