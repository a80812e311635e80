#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# See delta_gone.py: what can be restored while a log is cleaned and files are taken away.
[ -x build/venv/bin/python ] || { echo "no build/venv: make setup-tests"; exit 77; }
exec nice build/venv/bin/python tests/interop/delta_gone.py "$B"
