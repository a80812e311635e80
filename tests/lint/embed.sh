#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes files as C string constants: an array of { name, text } pairs, in the order given.
# A name is the file's, without folder and ending.
set -eu
printf '/* Made by the Makefile. */\nstatic const struct embedded { const char *name, *text; } embedded[] = {\n'
for file; do
	name=$(basename "$file"); name=${name%.*}
	printf '{ "%s",\n' "$name"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$file"
	printf '},\n'
done
printf '{ 0, 0 } };\n'
