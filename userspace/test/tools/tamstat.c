// SPDX-License-Identifier: GPL-2.0
/* Runs /tamstat on itself, with memory in a known state; as root in a guest. */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "maps.h"
#include "mem.h"
#include "settings.h"
#include "swap.h"
#include "tap.h"
#include "uapi.h"

#define USER 1000

/* The output of tamstat with these arguments, stderr included. It must exit with @status. */
static char *tamstat(int status, const char *format, ...)
{
	static char said[1 << 16];
	char command[256];
	size_t length;
	va_list args;
	FILE *pipe;
	int got;

	length = snprintf(command, sizeof(command), "exec 2>&1; exec /tamstat ");
	va_start(args, format);
	vsnprintf(command + length, sizeof(command) - length, format, args);
	va_end(args);
	fflush(stdout);
	pipe = popen(command, "re");
	CHECK(pipe);
	length = fread(said, 1, sizeof(said) - 1, pipe);
	said[length] = 0;
	got = pclose(pipe);
	if (got != status << 8)
		tap_fail(__FILE__, __LINE__, "%s: status 0x%x; %s", command, got, said);
	return said;
}

#define CHECK_SAYS(said, words) do {					\
	if (!strstr(said, words))					\
		tap_fail(__FILE__, __LINE__, "no \"%s\" in: %s", words, said); \
} while (0)

struct row {
	unsigned long regions, reserved, resident, swapped, committed;
	double percent;
	char touch[16];
	int oom;
};

/* The row of @pid in the table, all zero if there is none. */
static struct row row_of(const char *table, int pid)
{
	struct row row = { 0 };

	for (const char *line = table; line; line = strchr(line, '\n')) {
		int found = -1;

		line += *line == '\n';
		if (sscanf(line, "%d %*s %lu %lu %lu %lu %lu %lf %15s %d", &found, &row.regions,
			   &row.reserved, &row.resident, &row.swapped, &row.committed,
			   &row.percent, row.touch, &row.oom) == 9 && found == pid)
			return row;
	}
	return (struct row){ 0 };
}

static void write_pages(char *p, size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++)
		poke(p + i * page, 1);
}

static void counts(void)
{
	char *p = tamalloc(MIB), *q = tamalloc(3 * MIB);
	struct row row;

	write_pages(p, 0, 64);
	write_pages(q, 100, 64);
	row = row_of(tamstat(0, ""), getpid());
	CHECK_EQ(row.regions, is_region(q - 1) || is_region(q + 3 * MIB) ? 1 : 2);
	CHECK_EQ(row.reserved, 4096);
	CHECK_EQ(row.resident, 512);
	CHECK_EQ(row.committed, 512);
	CHECK(row.percent == 12.5);
	CHECK_EQ(row.oom, number("/proc/self/oom_score"));
}

static void counts_swapped(void)
{
	char *p = tamalloc(MIB);
	struct row row;

	start_swap(ANY_SWAP);
	write_pages(p, 0, 64);
	page_out(p, 32 * page);
	row = row_of(tamstat(0, ""), getpid());
	CHECK_EQ(row.resident, 128);
	CHECK_EQ(row.swapped, 128);
	CHECK_EQ(row.committed, 256);
	CHECK(row.percent == 25);
	stop_swap();
}

static void kinds(void)
{
	char *p = tamalloc(4 * MIB);

	CHECK(!strcmp(row_of(tamstat(0, ""), getpid()).touch, "strict"));
	CHECK(!madvise(p, 2 * MIB, MADV_HUGEPAGE));
	CHECK(!strcmp(row_of(tamstat(0, ""), getpid()).touch, "mixed"));
	CHECK(!madvise(p, 4 * MIB, MADV_HUGEPAGE));
	CHECK(!strcmp(row_of(tamstat(0, ""), getpid()).touch, "adaptive"));
}

static void regions(void)
{
	char *p = tamalloc(MIB), line[128];

	plain(MIB);
	write_pages(p, 0, 10);
	CHECK(!prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, p, MIB, "mine"));
	tamstat(0, "%d", getpid());
	snprintf(line, sizeof(line), "\n%16lx-%-16lx%13d %10d %10d %10d %6.1f  %-8s %s\n",
		 (long)p, (long)p + MIB, 1024, 40, 0, 40, 3.9, "strict", "[anon:mine]");
	CHECK_SAYS(tamstat(0, "%d", getpid()), line);
	CHECK(!strstr(tamstat(0, "%d", getpid()), "[anon:tamalloc]"));
}

static void no_regions(void)
{
	plain(MIB);
	CHECK_SAYS(tamstat(0, "%d", getpid()), "has no tamalloc memory");
	CHECK_EQ(row_of(tamstat(0, ""), getpid()).regions, 0);
}

/* 256 pages in rows of 64. */
static void check_map(const char *p, const char *first, const char *counts)
{
	char line[128];
	const char *said = tamstat(0, "--map %d", getpid());

	snprintf(line, sizeof(line), "\n%012lx %-64s\n", (long)p, first);
	for (char *c = line; *c; c++)
		if (c > line + 14 && *c == ' ')
			*c = '.';
	CHECK_SAYS(said, line);
	CHECK_SAYS(said, counts);
}

static void map_states(void)
{
	char *p = tamalloc(MIB);

	start_swap(ANY_SWAP);
	write_pages(p, 1, 4);
	check_map(p, ".DDDD", "256 pages, 1 a letter: 4 resident, 0 swapped; of these 4 dirty, 0 in large");
	page_out(p + page, page);
	write_file("/proc/self/clear_refs", "4");
	write_pages(p, 2, 1);
	write_pages(p, 6, 1);
	check_map(p, ".SDRR.D", "4 resident, 1 swapped; of these 2 dirty, 0 in large");
	stop_swap();
}

static void map_large(void)
{
	char *p = align(tamalloc(huge), huge);

	write_pages(p, 0, 1);
	CHECK(!madvise(p, huge, MADV_COLLAPSE));
	check_map(p, "HHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHH",
		  "512 pages, 1 a letter: 512 resident, 0 swapped; of these 512 dirty, 512 in large");
}

static void map_scaled(void)
{
	char *p = tamalloc(8 * MIB);

	write_pages(p, 0, 1);
	write_pages(p, 4, 2);
	write_pages(p, 11, 3);
	check_map(p, "dDdD", "2048 pages, 4 a letter: 6 resident");
}

static void map_terabyte(void)
{
	char *p = tamalloc(1UL << 40);

	poke(p + (1UL << 39), 1);
	CHECK_SAYS(tamstat(0, "--map %d", getpid()),
		   "268435456 pages, 524288 a letter: 1 resident");
	CHECK_SAYS(tamstat(0, "--json --map %d", getpid()), "\"state\":\"resident\",\"dirty\":true");
}

static void become_user(void)
{
	CHECK(!setgid(USER) && !setuid(USER));
	/* As after execve(2). */
	CHECK(!prctl(PR_SET_DUMPABLE, 1));
}

static void as_user(void)
{
	char *p = tamalloc(MIB);
	const char *said;
	char words[32];

	become_user();
	write_pages(p, 3, 1);
	said = tamstat(0, "");
	CHECK_EQ(row_of(said, getpid()).resident, 4);
	CHECK_SAYS(said, "more could not be read");
	snprintf(words, sizeof(words), "%012lx ...D....", (long)p);
	CHECK_SAYS(tamstat(0, "--map %d", getpid()), words);
	CHECK_SAYS(tamstat(0, "--map %d", getpid()), "kpageflags cannot be read");
	CHECK_SAYS(tamstat(1, "%d", getppid()), "Permission denied; it is not this user's");
	CHECK_SAYS(tamstat(1, "--map --json %d", getppid()), "Permission denied");
}

static void no_process(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_SAYS(tamstat(1, "%d", pid), "is no process");
	/* A kernel thread. */
	CHECK_SAYS(tamstat(0, "2"), "has no tamalloc memory");
}

static void vanishing(void)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			if (!fork()) {
				poke(tamalloc(MIB), 1);
				_exit(0);
			}
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
		}
	}
	for (int i = 0; i < 20; i++)
		CHECK_SAYS(tamstat(0, ""), "The machine has");
	kill(pid, SIGKILL);
}

/* Write the PID to @fd; touch 40 kB more in each of three seconds. */
static void grow(int fd)
{
	char *p = tamalloc(MIB);
	pid_t pid = getpid();

	for (int i = 1; i <= 3; i++) {
		write_pages(p, 0, 10 * i);
		if (i == 1)
			CHECK_EQ(write(fd, &pid, sizeof(pid)), sizeof(pid));
		sleep(1);
	}
}

/* A grandchild: a child that has ended stays a process until we wait for it. */
static void watch(void)
{
	const char *said;
	int fds[2];
	pid_t pid;

	CHECK(!pipe(fds));
	if (!fork()) {
		if (!fork())
			grow(fds[1]);
		_exit(0);
	}
	CHECK_EQ(read(fds[0], &pid, sizeof(pid)), sizeof(pid));
	said = tamstat(0, "--watch 0.2 %d", pid);
	CHECK_SAYS(said, " 40          0         40");
	CHECK_SAYS(said, " 80          0         80");
	CHECK_SAYS(said, " 120          0        120");
	CHECK_SAYS(said, "has ended");
}

/* The kB of a figure of --advise on a process, -1 if it is not known. */
static long advised_of(pid_t pid, const char *figure)
{
	const char *said = tamstat(0, "--json --advise %d", pid);
	char key[64], *at;
	long kilobytes = -1;

	snprintf(key, sizeof(key), "\"%s\":{\"kb\":", figure);
	at = strstr(said, key);
	if (!at)
		tap_fail(__FILE__, __LINE__, "no %s in: %s", key, said);
	sscanf(at + strlen(key), "%ld", &kilobytes);
	return kilobytes;
}

static long advised(const char *figure)
{
	return advised_of(getpid(), figure);
}

/* What a process has while another thread than its main thread runs: 40 kB of a MB. */
static void *after_main(void *ready)
{
	write_pages(tamalloc(MIB), 0, 10);
	write_pages(plain(MIB), 0, 20);
	/* Until our leader is a zombie, whose files in /proc are empty. */
	while (number("/proc/self/statm"))
		usleep(1000);
	CHECK_EQ(write(*(int *)ready, "", 1), 1);
	pause();
	return NULL;
}

static void leader_gone(void)
{
	pthread_t thread;
	char byte;
	int fds[2];
	pid_t pid;

	CHECK(!pipe(fds));
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		CHECK(!pthread_create(&thread, NULL, after_main, &fds[1]));
		pthread_exit(NULL);
	}
	CHECK_EQ(read(fds[0], &byte, 1), 1);
	CHECK_EQ(row_of(tamstat(0, ""), pid).resident, 40);
	CHECK_SAYS(tamstat(0, "%d", pid), "[anon:tamalloc]");
	CHECK_SAYS(tamstat(0, "--map %d", pid), "256 pages, 1 a letter: 10 resident");
	CHECK_EQ(advised_of(pid, "tamalloc_already"), 40);
	CHECK(advised_of(pid, "resident") >= 80);
	CHECK_SAYS(tamstat(0, "--json --advise %d", pid), "\"command_line\":\"/test-tamstat");
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

/* Memory with huge pages, of each of which @written pages are not zero. */
static char *sparse(size_t size, size_t written)
{
	char *p;

	set(THP "enabled", "always");
	p = align(plain(size), size);
	for (size_t i = 0; i < size; i += huge)
		write_pages(p + i, 3, written);
	CHECK_EQ(smaps_kb(p, size, "AnonHugePages"), size / KIB);
	return p;
}

static void advises(void)
{
	sparse(4 * huge, 5);
	CHECK_EQ(advised("in_huge_pages"), 4 * huge / KIB);
	CHECK_EQ(advised("in_smaller_folios"), 0);
	CHECK_EQ(advised("zero_pages_in_these"), 4 * (huge - 5 * page) / KIB);
	CHECK_EQ(advised("strict_saves_up_to"), 4 * (huge - 5 * page) / KIB);
	CHECK_EQ(advised("adaptive_saves_up_to"), 4 * (huge - 10 * page) / KIB);
	CHECK_SAYS(tamstat(0, "--advise %d", getpid()), ": up to 7.9 of ");
	CHECK_SAYS(tamstat(0, "--advise %d", getpid()), "tamrun --stats /test-tamstat");
}

static void advises_dense(void)
{
	sparse(4 * huge, huge / page - 3);
	CHECK_EQ(advised("strict_saves_up_to"), 4 * 3 * page / KIB);
	CHECK_EQ(advised("adaptive_saves_up_to"), 0);
	CHECK_SAYS(tamstat(0, "--advise %d", getpid()), ": next to nothing saved, 0.0 of ");
}

static void advises_reads(void)
{
	long before = advised("read_not_written");
	char *p;

	set(THP "enabled", "never");
	p = plain(8 * MIB);
	for (size_t i = 0; i < 4 * MIB; i += page)
		(void)peek(p + i);
	CHECK_EQ(advised("read_not_written"), before + 4 * MIB / KIB);
	CHECK_SAYS(tamstat(0, "--advise %d", getpid()), ": nothing saved, and up to 4.");
	CHECK_EQ(advised("strict_saves_up_to"), 0);
	/* The huge page of zeroes. */
	set(THP "enabled", "always");
	p = align(plain(huge), huge);
	(void)peek(p);
	CHECK_EQ(advised("read_not_written"), before + (4 * MIB + huge) / KIB);
	CHECK_EQ(advised("in_huge_pages"), 0);
}

static void advises_folios(void)
{
	char *p;

	set(THP "enabled", "never");
	set(THP "hugepages-64kB/enabled", "always");
	p = align(plain(huge), huge);
	for (size_t i = 0; i < huge; i += 64 * KIB)
		write_pages(p + i, 1, 1);
	CHECK(advised("in_smaller_folios") >= (long)(huge / KIB));
	CHECK(advised("strict_saves_up_to") >= (long)(huge / KIB) / 16 * 15);
	become_user();
	CHECK_EQ(advised("in_smaller_folios"), -1);
	CHECK_SAYS(tamstat(0, "--advise %d", getpid()), "tamalloc would save nothing that can be seen\n");
	CHECK_SAYS(tamstat(0, "--advise %d", getpid()), "kpageflags: only root can read it");
}

static void advises_plain_only(void)
{
	char *p = tamalloc(8 * MIB);
	long before = advised("resident");

	write_pages(p, 0, 2048);
	CHECK_EQ(advised("tamalloc_already"), 8 * MIB / KIB);
	CHECK(advised("resident") < before + 1024);
}

static void as_user_advises(void)
{
	sparse(4 * huge, 5);
	become_user();
	CHECK_EQ(advised("in_huge_pages"), 4 * huge / KIB);
	CHECK_EQ(advised("strict_saves_up_to"), 4 * (huge - 5 * page) / KIB);
	CHECK_SAYS(tamstat(1, "--advise %d", getppid()), "Permission denied; it is not this user's");
}

static void read_pagemap(const char *p, size_t size, uint64_t *entries)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ssize_t bytes = size / page * 8;

	CHECK(fd >= 0);
	CHECK_EQ(pread(fd, entries, bytes, (uintptr_t)p / page * 8), bytes);
	close(fd);
}

/* All kinds of pages: huge, small, of zeroes, huge of zeroes, swapped, and none. */
static void populates_nothing(void)
{
	const size_t size = 16 * huge;
	static uint64_t before[16 * 512], after[16 * 512];
	char *p;
	long resident;

	start_swap(ANY_SWAP);
	p = sparse(4 * huge, 1);
	p = move_to(p, 4 * huge, align(plain(size), size));
	write_pages(p + 4 * huge, 0, 512);
	(void)peek(p + 5 * huge);
	CHECK(!madvise(p + 6 * huge, 2 * huge, MADV_NOHUGEPAGE));
	for (size_t i = 0; i < huge; i += 2 * page)
		poke(p + 6 * huge + i, 1);
	for (size_t i = 0; i < huge; i += 3 * page)
		(void)peek(p + 7 * huge + i);
	page_out(p + 6 * huge, 64 * page);
	CHECK(!madvise(p + 8 * huge, 4 * huge, MADV_NOHUGEPAGE));
	/* What we need ourselves to run it. */
	tamstat(0, "--help");

	resident = field("/proc/self/smaps_rollup", "Rss:");
	read_pagemap(p, size, before);
	CHECK(advised("zero_pages_in_these") >= 4 * (long)(huge - page) / (long)KIB);
	read_pagemap(p, size, after);
	CHECK(!memcmp(before, after, sizeof(before)));
	CHECK_EQ(field("/proc/self/smaps_rollup", "Rss:"), resident);
	stop_swap();
}

/* From now on, the system call answers @error. */
static void refuse_tamalloc(int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tamalloc, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static void no_call(void)
{
	CHECK(!strstr(tamstat(0, ""), "has no tamalloc"));
	CHECK(!strstr(tamstat(0, "%d", getpid()), "this kernel"));
	refuse_tamalloc(ENOSYS);
	/* As on a kernel without it, but that there is a filter. */
	CHECK_SAYS(tamstat(0, ""), "no tamalloc, or a sandbox hides it (system call 554: ENOSYS)");
	CHECK_SAYS(tamstat(0, "%d", getpid()), "has no tamalloc memory: this kernel has no tamalloc");
	CHECK_SAYS(tamstat(0, "--json"), "\"tamalloc_available\":false");
	CHECK_SAYS(tamstat(0, "--json --advise %d", getpid()), "\"tamalloc_available\":false");
}

static void refused_call(void)
{
	char *p = tamalloc(MIB);

	poke(p, 1);
	refuse_tamalloc(EPERM);
	CHECK_EQ(row_of(tamstat(0, ""), getpid()).resident, 4);
	CHECK(!munmap(p, MIB));
	CHECK_SAYS(tamstat(0, "%d", getpid()), "a sandbox refuses tamalloc (system call 554: EPERM)");
}

static const struct test tests[] = {
	TEST("the table counts reserved and resident memory", counts),
	TEST("swapped memory is committed and not resident", counts_swapped),
	TEST("a process is shown as strict, adaptive or mixed", kinds),
	TEST("regions are recognized whatever their name, and nothing else is", regions),
	TEST("a process without tamalloc memory is reported as such", no_regions),
	TEST("the map shows untouched, resident, dirty and swapped pages", map_states),
	TEST("the map shows pages of large folios", map_large),
	TEST("the map uses small letters where less than half is touched", map_scaled),
	TEST("the map of a terabyte is as fast", map_terabyte),
	TEST("a user sees his own processes and is told of the rest", as_user),
	TEST("a PID without a process is reported", no_process),
	TEST("processes that vanish cause no error", vanishing),
	TEST("--watch follows a process to its end", watch),
	TEST("a process whose main thread has ended is shown as others are", leader_gone),
	TEST("--advise counts the zero pages in huge pages", advises),
	TEST("--advise says that next to nothing is to be saved on dense memory", advises_dense),
	TEST("--advise counts what is read and not written, as memory that tamalloc would take", advises_reads),
	TEST("--advise counts zero pages in smaller folios, as root", advises_folios),
	TEST("--advise leaves tamalloc memory out", advises_plain_only),
	TEST("--advise tells a user the same of his own processes", as_user_advises),
	TEST("--advise populates nothing", populates_nothing),
	TEST("a kernel without the call is told from a process without the memory", no_call),
	TEST("a sandbox that refuses the call is told from a kernel without it", refused_call),
};

TAP_MAIN(tests, no_tamalloc)
