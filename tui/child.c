/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define PROGRAM "weir-collect"

enum { PATH_ROOM = PATH_MAX + 64, STOP_MS = 2000 };

/* Puts the path of the collector into path; just its name when it is to be looked up in PATH. */
static void find_program(char *path, size_t room)
{
	static const char *const places[] = { PROGRAM, "../libexec/weir/" PROGRAM };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash)
			slash[1] = '\0';
		for (size_t i = 0; slash && i < sizeof places / sizeof places[0]; i++) {
			int len = snprintf(path, room, "%s%s", self, places[i]);

			if (len > 0 && (size_t)len < room && access(path, X_OK) == 0)
				return;
		}
	}
	(void)snprintf(path, room, "%s", PROGRAM);
}

bool child_become(char **argv, struct err *err)
{
	char path[PATH_ROOM];

	find_program(path, sizeof path);
	argv[0] = path;
	(void)execvp(path, argv);
	return err_errno(err, errno, "start %s", path);
}

static void run_child(const char *config, const char *store)
{
	char *argv[8];
	char path[PATH_ROOM];
	sigset_t none;
	int n = 0;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* What the console blocked or handles is not the collector's business. */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (null >= 0) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
	}
	(void)setsid(); /* so that the terminal's signals do not reach it */
	find_program(path, sizeof path);
	argv[n++] = path;
	argv[n++] = mem_strdup("--child");
	if (config) {
		argv[n++] = mem_strdup("--config");
		argv[n++] = mem_strdup(config);
	}
	if (store) {
		argv[n++] = mem_strdup("--store");
		argv[n++] = mem_strdup(store);
	}
	argv[n] = NULL;
	(void)execvp(path, argv);
	_exit(127);
}

bool child_start(const char *config, const char *store, pid_t *pid_out, struct err *err)
{
	pid_t pid = fork();

	if (pid < 0)
		return err_errno(err, errno, "start " PROGRAM);
	if (pid == 0)
		run_child(config, store);
	*pid_out = pid;
	return true;
}

bool child_ended(pid_t pid, int *status_out)
{
	int status;

	if (pid <= 0 || waitpid(pid, &status, WNOHANG) != pid)
		return false;
	*status_out = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}

void child_stop(pid_t pid)
{
	const struct timespec tick = { 0, 10 * 1000 * 1000 };
	const struct clock *clock = clock_system();
	int64_t until = clock->mono_ms(clock) + STOP_MS;
	int status;

	if (pid <= 0)
		return;
	(void)kill(pid, SIGTERM);
	while (clock->mono_ms(clock) < until) {
		if (waitpid(pid, &status, WNOHANG) != 0)
			return;
		(void)nanosleep(&tick, NULL);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
}
