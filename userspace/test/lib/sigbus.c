// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <signal.h>

#include "mem.h"
#include "sigbus.h"
#include "tap.h"

#define STACK_SIZE	(64 * KIB)

static sigjmp_buf back;
static siginfo_t said;
static volatile sig_atomic_t trying;

static void on_sigbus(int number, siginfo_t *info, void *context)
{
	(void)context;
	/* An access that nobody tries: the test ends by the signal. */
	if (!trying) {
		sigaction(number, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
		return;
	}
	trying = 0;
	said = *info;
	siglongjmp(back, 1);
}

/* The handler needs a stack for which no memory has to be found. */
void sigbus_catch(void)
{
	const stack_t stack = { .ss_sp = plain(STACK_SIZE), .ss_size = STACK_SIZE };
	const struct sigaction action = {
		.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK
	};

	CHECK(!mlock(stack.ss_sp, STACK_SIZE));
	memset(stack.ss_sp, 1, STACK_SIZE);
	CHECK(!sigaltstack(&stack, NULL));
	CHECK(!sigaction(SIGBUS, &action, NULL));
}

static bool told(const void *p)
{
	CHECK_EQ(said.si_code, BUS_ADRERR);
	CHECK_EQ((uintptr_t)said.si_addr, (uintptr_t)p);
	return false;
}

bool try_poke(void *p, char c)
{
	if (sigsetjmp(back, 1))
		return told(p);
	trying = 1;
	poke(p, c);
	trying = 0;
	return true;
}

bool try_peek(const void *p, char c)
{
	char found;

	if (sigsetjmp(back, 1))
		return told(p);
	trying = 1;
	found = peek(p);
	trying = 0;
	CHECK(!found || found == c);
	return true;
}
