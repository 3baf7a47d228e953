// SPDX-License-Identifier: GPL-2.0
/* The call invokes the LSM hook just as mmap(2) does, as kprobes show. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>

#include "entries.h"
#include "maps.h"
#include "mem.h"
#include "tap.h"
#include "tracing.h"

/*
 * 6.12 has the hook of the capability LSM, which only security_mmap_file() calls. It passes
 * the protection asked for and the one that will be mapped. Later kernels have no hook that
 * is always there, and security_mmap_file() is seen itself, which knows only the former. It
 * may begin with the jump of a static branch, of 2, 4 or 5 bytes, where no probe goes.
 */
static const char by_hook[] =
	"p:tamalloc/hook cap_mmap_file file=$arg1:x64 asked=$arg2:x64 flags=$arg4:x64 mapped=$arg3:x64";
static const char *const by_caller[] = {
	"p:tamalloc/hook security_mmap_file file=$arg1:x64 asked=$arg2:x64 flags=$arg3:x64",
#ifdef __x86_64__
	"p:tamalloc/hook security_mmap_file+2 file=%di:x64 asked=%si:x64 flags=%dx:x64",
	"p:tamalloc/hook security_mmap_file+5 file=%di:x64 asked=%si:x64 flags=%dx:x64",
#elif defined(__aarch64__)
	"p:tamalloc/hook security_mmap_file+4 file=%x0:x64 asked=%x1:x64 flags=%x2:x64",
	"p:tamalloc/hook security_mmap_file+8 file=%x0:x64 asked=%x1:x64 flags=%x2:x64",
#endif
};
#define WAYS (sizeof(by_caller) / sizeof(*by_caller))
static const char *const probes[] = {
	"p:tamalloc/lock down_write_killable",
	"p:tamalloc/map do_mmap",
};

/* The probes hit in the last watch(), in order, with their arguments. */
static char events[1024];

static bool add_probe(const char *text)
{
	int fd = open(TRACING "/kprobe_events", O_WRONLY | O_APPEND);
	bool added;

	CHECK(fd >= 0);
	added = write(fd, text, strlen(text)) > 0;
	close(fd);
	return added;
}

static void stop_probes(void)
{
	if (!access(TRACING "/events/tamalloc", F_OK))
		tracing_stop("tamalloc");
	truncate_file(TRACING "/kprobe_events");
}

static bool has_hook(void)
{
	static char line[256];
	FILE *symbols = fopen("/proc/kallsyms", "r");
	bool found = false;

	CHECK(symbols);
	while (!found && fgets(line, sizeof(line), symbols))
		found = strstr(line, " cap_mmap_file\n");
	fclose(symbols);
	return found;
}

/* Run @fn: of "..: hook: (cap_mmap_file+0x0/0x10) file=.." keep name and arguments. */
static void record(void (*fn)(void))
{
	char line[512], *name, *args;
	FILE *trace;

	tracing_start("tamalloc");
	fn();
	tracing_stop("tamalloc");

	trace = fopen(TRACING "/trace", "r");
	CHECK(trace);
	events[0] = '\0';
	while (fgets(line, sizeof(line), trace)) {
		name = strstr(line, ": ");
		args = strchr(line, ')');
		if (line[0] == '#' || !name || !args)
			continue;
		CHECK(strlen(events) + strlen(line) < sizeof(events));
		args[strcspn(args, "\n")] = '\0';
		strcat(strncat(events, name + 2, strcspn(name + 2, ":")), args + 1);
		strcat(events, "; ");
	}
	fclose(trace);
}

static void map_a_page(void)
{
	plain(page);
}

/*
 * On riscv64 a probe is a breakpoint, which counts as an NMI, and Linux 6.12 traces nothing in one
 * there (it has no ARCH_HAVE_NMI_SAFE_CMPXCHG).
 */
static void need_traced_probes(void)
{
	record(map_a_page);
	if (*events)
		return;
	stop_probes();
#ifdef __riscv
	tap_skip("this kernel traces no probe that is a breakpoint");
#endif
	tap_fail(__FILE__, __LINE__, "no probe is traced");
}

static void start_probes(void)
{
	size_t way;

	tracing_mount();
	if (access(TRACING "/kprobe_events", W_OK))
		tap_skip("this kernel has no kprobe events (KPROBE_EVENTS)");
	stop_probes();
	if (has_hook())
		CHECK(add_probe(by_hook));
	for (way = 0; !has_hook() && !add_probe(by_caller[way]); way++)
		CHECK(way + 1 < WAYS);
	for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++)
		CHECK(add_probe(probes[i]));
	need_traced_probes();
}

/* What @fn hits has to be that. */
static void watch(void (*fn)(void), const char *asked, const char *mapped, const char *then)
{
	char want[256];

	record(fn);
	snprintf(want, sizeof(want), "%s%s%s", asked, has_hook() ? mapped : "", then);
	if (strcmp(events, want))
		tap_fail(__FILE__, __LINE__, "hit: %s\n# instead of: %s", events, want);
}

/* Called once, before mmap_lock, which is the first lock taken. */
#define ASKED(mapped)	"hook file=0x0 asked=0x3 flags=0x4022", " mapped=" mapped, "; lock; map; "

static void *given;

static void call(void)
{
	CHECK(!tamalloc_call(page, &given));
}

static void map(void)
{
	given = plain(page);
}

static void watched_as_mmap(const char *asked, const char *mapped, const char *then)
{
	start_probes();
	watch(map, asked, mapped, then);
	watch(call, asked, mapped, then);
	stop_probes();
}

static void by_call(void)
{
	watched_as_mmap(ASKED("0x3"));
}

/* The hook must see that the mapping will be executable. */
static void read_implies_exec(void)
{
	struct vma vma;

	CHECK(personality(READ_IMPLIES_EXEC) >= 0);
	watched_as_mmap(ASKED("0x7"));
	CHECK(find_vma(given, &vma));
	CHECK(!strcmp(vma.perms, "rwxp"));
}

#ifdef __x86_64__
static void call_i386(void)
{
	static void *low;

	CHECK_EQ(int80(SYS_tamalloc, page, (uintptr_t)&low), 0);
}

static void by_i386(void)
{
	start_probes();
	watch(call_i386, ASKED("0x3"));
	stop_probes();
}
#endif

/* Refused before the hook. */
static void call_with_nothing(void)
{
	CHECK_FAILS(tamalloc_call(0, &given), EINVAL);
	CHECK_FAILS(tamalloc_call(SIZE_MAX, &given), ENOMEM);
}

static void by_bad_size(void)
{
	start_probes();
	watch(call_with_nothing, "", "", "");
	stop_probes();
}

static const struct test tests[] = {
	TEST("the hook is called once, before mmap_lock, with what mmap passes", by_call),
	TEST("under READ_IMPLIES_EXEC an LSM sees the PROT_EXEC that is mapped", read_implies_exec),
#ifdef __x86_64__
	TEST("the i386 entry calls the hook", by_i386),
#endif
	TEST("an invalid size neither calls the hook nor takes the lock", by_bad_size),
};

TAP_MAIN(tests, no_tamalloc)
