/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_CLI_CHECK_H
#define TUI_CLI_CHECK_H

/*
 * `weir check lag`: holds what the store knows against limits, one line a reason, for cron, CI and
 * deploy gates. argv[0] is "check". Exit statuses: 0 ok, 1 warning, 2 critical, 3 unknown (also of
 * wrong usage: what could not be asked is not known).
 */
int cli_check(int argc, char **argv);

#endif
