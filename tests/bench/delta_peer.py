#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""delta-rs: opens a table and lists its files; the line bench_delta prints, for this process."""
import resource
import sys
import time

from deltalake import DeltaTable

wall, cpu = time.monotonic(), time.process_time()
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
files = DeltaTable(sys.argv[1]).file_uris()
wall, cpu = time.monotonic() - wall, time.process_time() - cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(f"delta-rs {len(files)} {wall * 1e3:.0f} {cpu * 1e3:.0f} {peak} {base}")
