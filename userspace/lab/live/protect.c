// SPDX-License-Identifier: GPL-2.0
/* Protection: the bits of an entry decide, and the MMU asks them at each access. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>

#include "live.h"

static sigjmp_buf back;
static siginfo_t seen;

static void caught(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	seen = *info;
	siglongjmp(back, 1);
}

static uint64_t show(const char *when, const char *page)
{
	struct entry entries[4];
	unsigned int levels = walk(page, entries);

	printf("%-*s PTE %016lx  %s\n", PADDED(34, when), entries[levels - 1].value, entry_bits(entries[levels - 1].value));
	expect(levels == 4, "the page has an entry in the last table");
	return entries[3].value;
}

static void store(void)
{
	struct sigaction action = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };
	volatile char *page = tamalloc_pages(1);
	uint64_t before, after;

	*page = 1;
	before = show(say("written", "escrita"), (char *)page);
	expect(before & ENTRY_WRITE, "the page may be written to");
	if (mprotect((char *)page, PAGE, PROT_READ))
		fail("mprotect");
	before = show(say("after mprotect(PROT_READ)", "tras mprotect(PROT_READ)"), (char *)page);
	expect(!(before & ENTRY_WRITE) && before & ENTRY_PRESENT, "W is gone, the page is not");

	sigaction(SIGSEGV, &action, NULL);
	if (!sigsetjmp(back, 1)) {
		*page = 2;
		expect(false, "a store to a page without W does not go through");
	}
	printf("%-34s SIGSEGV, %s, %s %p\n", say("a store to it", "una escritura en ella"),
	       seen.si_code == SEGV_ACCERR ? "SEGV_ACCERR" : "?", say("address", "dirección"), seen.si_addr);
	after = show(say("after the signal", "tras la señal"), (char *)page);
	expect(seen.si_signo == SIGSEGV && seen.si_code == SEGV_ACCERR && seen.si_addr == page,
	       "SIGSEGV says that access to this address is denied");
	expect(!(after & ENTRY_WRITE), "W is still not set");
	expect(*page == 1, "and the page is as it was");
}

void run_protect(void)
{
	with_tables(store);
}
