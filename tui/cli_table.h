/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_CLI_TABLE_H
#define TUI_CLI_TABLE_H

/*
 * `weir table detail|files|history|diff PATH|TABLE`: one Delta table read from its log, whatever the store
 * knows. argv[0] is "table". Prints; gives the exit status.
 */
int cli_table(int argc, char **argv);

#endif
