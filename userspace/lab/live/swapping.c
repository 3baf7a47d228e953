// SPDX-License-Identifier: GPL-2.0
/* Swapping: a stopped process goes out of memory, and comes back as it was. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

#define CGROUP	"/sys/fs/cgroup/swapping"
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

/* EAGAIN: not all that was asked for could go; what has to is checked. */
static void reclaim(const char *size)
{
	int fd = open(CGROUP "/memory.reclaim", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || (write(fd, size, strlen(size)) < 0 && errno != EAGAIN))
		fail(CGROUP "/memory.reclaim");
	close(fd);
}

static void show(const char *when, const char *status)
{
	printf("%-28s VmRSS %6lu kB   VmSwap %6lu kB\n", when, field(status, "VmRSS"), field(status, "VmSwap"));
}

void run_swapping(void)
{
	char status[64], pid_text[16], byte;
	int ready[2], result;
	pid_t pid;

	if (mkdir(CGROUP, 0755) && errno != EEXIST)
		fail(CGROUP);
	if (pipe(ready))
		fail("pipe");
	pid = fork();
	if (!pid) {
		snprintf(pid_text, sizeof(pid_text), "%d", getpid());
		write_file(CGROUP "/cgroup.procs", pid_text);
		process(ready[1]);
	}
	if (pid < 0 || read(ready[0], &byte, 1) != 1 || waitpid(pid, &result, WUNTRACED) != pid)
		fail("fork");
	snprintf(status, sizeof(status), "/proc/%d/status", pid);
	show(say("stopped", "detenido"), status);
	/* Pages that were just used get a second chance. */
	for (int i = 0; i < 50 && field(status, "VmSwap") < PAGES * PAGE / 1024; i++)
		reclaim("4M");
	show(say("swapped out", "intercambiado a disco"), status);
	expect(field(status, "VmSwap") >= PAGES * 4, "all of its pages are swapped out");
	kill(pid, SIGCONT);
	if (waitpid(pid, &result, 0) != pid)
		fail("wait");
	rmdir(CGROUP);
	expect(WIFEXITED(result) && WEXITSTATUS(result) == 0, "it goes on with the contents that it had");
	puts(say("it went on: every byte as it was, every page in memory",
		 "ha continuado: cada byte como estaba, cada página en memoria principal"));
}
