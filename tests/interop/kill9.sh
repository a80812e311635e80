#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# See kill9.py: no event is lost or repeated by 200 kills of the collector.
command -v python3 >/dev/null || { echo "no python3"; exit 77; }
exec python3 tests/interop/kill9.py
