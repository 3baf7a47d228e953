// SPDX-License-Identifier: GPL-2.0
/* Thrashing: processes that each go through 400 pages and wait, in memory for five of them. */
#include <signal.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

#define SET	400
#define FRAMES	2000
#define MOST	8
/* Page tables, stacks and the like of each process. */
#define OVERHEAD	(MOST * 20)

static volatile unsigned long *done;	/* by all of them together */

static void work(void)
{
	volatile char *memory = tamalloc_pages(SET);

	for (;;) {
		for (unsigned int page = 0; page < SET; page++)
			memory[page * PAGE] = page | 1;	/* zram stores no page that is all the same */
		++*done;
		usleep(2000);
	}
}

/* Turns a second, once it has settled. */
static unsigned long throughput(void)
{
	unsigned long before;

	usleep(100000);
	before = *done;
	usleep(200000);
	return (*done - before) * 5;
}

void run_thrash(void)
{
	unsigned long of[MOST + 1], controlled;
	struct sched_param first = { .sched_priority = 1 };
	pid_t pids[MOST];

	done = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (done == MAP_FAILED)
		fail("mmap");
	write_file("/proc/self/oom_score_adj", "-1000");
	cgroup_make("thrash", FRAMES + OVERHEAD);
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first))
		fail("SCHED_FIFO");
	printf("%10s %14s\n", say("processes", "procesos"), say("turns a second", "vueltas por s"));
	for (unsigned int n = 1; n <= MOST; n++) {
		fflush(stdout);
		pids[n - 1] = fork();
		if (!pids[n - 1]) {
			cgroup_enter("thrash");
			work();
		}
		if (pids[n - 1] < 0)
			fail("fork");
		of[n] = throughput();
		printf("%10u %14lu\n", n, of[n]);
	}
	for (unsigned int n = 5; n < MOST; n++)
		kill(pids[n], SIGSTOP);
	controlled = throughput();
	printf("%s: %lu\n", say("load control, three of the eight are stopped", "regulación de carga, tres de los ocho detenidos"),
	       controlled);
	for (unsigned int n = 0; n < MOST; n++) {
		kill(pids[n], SIGKILL);
		waitpid(pids[n], NULL, 0);
	}
	cgroup_end("thrash");
	for (unsigned int n = 2; n <= 5; n++)
		expect(of[n] * 10 > of[1] * n * 9 && of[n] * 10 < of[1] * n * 11, "while all sets fit, each process adds as much");
	expect(of[6] < of[5] && of[MOST] < of[5], "when they do not, all get less done");
	expect(controlled > of[MOST], "with some stopped, the others get more done than all did");
}
