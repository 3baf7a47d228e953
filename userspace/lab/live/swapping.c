// SPDX-License-Identifier: GPL-2.0
/* Swapping: a stopped process goes out of memory, and comes back as it was. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

#define CGROUP	"swapping"
#define PAGES	256

static void process(int ready)
{
	char *memory = tamalloc_pages(PAGES);

	for (unsigned long i = 0; i < PAGES * PAGE; i++)
		memory[i] = i % 251;
	if (write(ready, "", 1) != 1)
		_exit(1);
	raise(SIGSTOP);
	for (unsigned long i = 0; i < PAGES * PAGE; i++) {
		if (memory[i] != (char)(i % 251))
			_exit(2);
	}
	_exit(present(memory, PAGES) == PAGES ? 0 : 3);
}

static void show(const char *when, const char *status)
{
	printf("%-28s VmRSS %6lu kB   VmSwap %6lu kB\n", when, field(status, "VmRSS"), field(status, "VmSwap"));
}

void run_swapping(void)
{
	char status[64], byte;
	int ready[2], result;
	pid_t pid;

	cgroup_make(CGROUP, 0);
	if (pipe(ready))
		fail("pipe");
	pid = fork();
	if (!pid) {
		cgroup_enter(CGROUP);
		process(ready[1]);
	}
	if (pid < 0 || read(ready[0], &byte, 1) != 1 || waitpid(pid, &result, WUNTRACED) != pid)
		fail("fork");
	snprintf(status, sizeof(status), "/proc/%d/status", pid);
	show(say("stopped", "detenido"), status);
	/* Pages that were just used get a second chance. */
	for (int i = 0; i < 50 && field(status, "VmSwap") < PAGES * PAGE / 1024; i++)
		cgroup_reclaim(CGROUP);
	show(say("swapped out", "intercambiado"), status);
	expect(field(status, "VmSwap") >= PAGES * 4, "all of its pages are swapped out");
	kill(pid, SIGCONT);
	if (waitpid(pid, &result, 0) != pid)
		fail("wait");
	cgroup_end(CGROUP);
	expect(WIFEXITED(result) && WEXITSTATUS(result) == 0, "it goes on with the contents that it had");
	puts(say("it went on: every byte as it was, every page in memory",
		 "ha continuado: cada byte como estaba, cada página en memoria principal"));
}
