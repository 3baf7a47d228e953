// SPDX-License-Identifier: GPL-2.0
/*
 * A TCG plugin that writes the page references of a program, in trace.h's format:
 *
 *	-plugin trace.so,out=FILE[,from=start][,max=MB]
 *
 * It counts what instructions of user space fetch, read and write, between the markers of
 * marker.h or, with from=start, from the first instruction on. What the kernel accesses on the
 * program's behalf is not in the string. System emulation has to have one virtual CPU, where
 * marker and scheduling single the program out: a plugin cannot see whose page tables are in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "marker.h"
#include "qemu_plugin.h"
#include "trace.h"

#define EXPORT	__attribute__((visibility("default")))

EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static enum { WAITING, EXEC, ON, OVER } state;
/* In user emulation threads run side by side; a system with one CPU needs no lock. */
static bool threads;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *path;
static int out = -1;
static unsigned char buffer[1 << 20];
static size_t filled;
static uint64_t allowed = UINT64_MAX;	/* bytes of the trace that may still come */

static uint64_t last_page;
static unsigned int last_kind;
static bool any;

/* From page to index + 1: open addressing, at most half full. */
static struct slot { uint64_t page; uint32_t index; } *table;
static size_t slots;
static uint32_t pages;

static void give_up(const char *what)
{
	fprintf(stderr, "trace: %s: %s: %s\n", path, what, strerror(errno));
	state = OVER;
	close(out);
	out = -1;
}

static void flush(void)
{
	size_t done = 0;

	if (filled > allowed) {
		errno = EFBIG;
		give_up("it has become too large for max=");
	}
	allowed -= filled;
	while (out >= 0 && done < filled) {
		ssize_t n = write(out, buffer + done, filled - done);

		if (n < 0 && errno != EINTR)
			give_up("the trace cannot be written");
		else if (n > 0)
			done += n;
	}
	filled = 0;
}

static void put(uint64_t value)
{
	if (filled + 10 > sizeof(buffer))
		flush();
	for (; value >= 0x80; value >>= 7)
		buffer[filled++] = value | 0x80;
	buffer[filled++] = value;
}

static struct slot *find(uint64_t page)
{
	size_t i = (page * 0x9e3779b97f4a7c15ULL) >> 20 & (slots - 1);

	while (table[i].index && table[i].page != page)
		i = (i + 1) & (slots - 1);
	return &table[i];
}

static void grow(void)
{
	struct slot *old = table;
	size_t count = slots;

	slots = slots ? 4 * slots : 4096;
	table = calloc(slots, sizeof(*table));
	if (!table)
		abort();
	for (size_t i = 0; i < count; i++) {
		if (old[i].index)
			*find(old[i].page) = old[i];
	}
	free(old);
}

/* The last reference: its kind is known once another page follows. */
static void write_last(void)
{
	struct slot *slot;

	if (!any)
		return;
	if (2 * (size_t)pages >= slots)
		grow();
	slot = find(last_page);
	if (slot->index) {
		put((uint64_t)(slot->index - 1) << 2 | last_kind);
		return;
	}
	slot->page = last_page;
	slot->index = ++pages;
	put((uint64_t)(pages - 1) << 2 | last_kind);
	put(last_page);
}

static void finish(void)
{
	write_last();
	put(TRACE_END);
	flush();
	if (out >= 0 && close(out))
		give_up("the trace cannot be written");
	out = -1;
	state = OVER;
}

static inline void reference(uint64_t page, unsigned int kind)
{
	if (any && page == last_page) {
		if (kind > last_kind)
			last_kind = kind;
		return;
	}
	write_last();
	last_page = page;
	last_kind = kind;
	any = true;
}

static inline void begin(void)
{
	if (threads)
		pthread_mutex_lock(&lock);
}

static inline void end(void)
{
	if (threads)
		pthread_mutex_unlock(&lock);
}

static void on_fetch(unsigned int vcpu, void *page)
{
	(void)vcpu;
	if (state != ON)
		return;
	begin();
	if (state == ON)
		reference((uintptr_t)page, FETCH);
	end();
}

static bool is_user(uint64_t address)
{
	return !(address >> 56);	/* the kernel's half begins with ones */
}

/* Each access comes after the fetch of its own instruction. */
static void on_access(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *page)
{
	unsigned int kind = qemu_plugin_mem_is_store(info) ? WRITE : READ;
	uint64_t last = address + (1ULL << qemu_plugin_mem_size_shift(info)) - 1;

	(void)vcpu;
	if (state != ON || !is_user(address))
		return;
	begin();
	if (state == ON) {
		reference((uintptr_t)page, FETCH);
		reference(address >> TRACE_SHIFT, kind);
		reference(last >> TRACE_SHIFT, kind);
	}
	end();
}

static void on_marker(unsigned int vcpu, void *marker)
{
	(void)vcpu;
	begin();
	if ((uintptr_t)marker == LAB_MARK_STOP && state == ON)
		finish();
	else if (state == WAITING && (uintptr_t)marker == LAB_MARK_START)
		state = ON;
	else if (state == WAITING && (uintptr_t)marker == LAB_MARK_EXEC)
		state = EXEC;
	end();
}

static void on_syscall(unsigned int vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	if (state == EXEC)
		state = ON;
}

static size_t bytes_of(const struct qemu_plugin_insn *insn, unsigned char *bytes, size_t room)
{
	size_t size = qemu_plugin_insn_size(insn);

	if (size > room)
		size = room;
#if QEMU_PLUGIN_VERSION < 3
	memcpy(bytes, qemu_plugin_insn_data(insn), size);
#else
	qemu_plugin_insn_data(insn, bytes, size);
#endif
	return size;
}

/* The number of a marker, or 0. */
static uint32_t marker_of(const unsigned char *bytes, size_t size)
{
	uint32_t marker;

	if (size != 7 || memcmp(bytes, "\x0f\x1f\x80", 3))
		return 0;
	memcpy(&marker, bytes + 3, sizeof(marker));
	return marker >= LAB_MARK_START && marker <= LAB_MARK_STOP ? marker : 0;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb);
	uint64_t before = UINT64_MAX;

	(void)id;
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);
		size_t size = qemu_plugin_insn_size(insn);
		uint64_t page = address >> TRACE_SHIFT, last = (address + size - 1) >> TRACE_SHIFT;
		unsigned char bytes[16];
		uint32_t marker;

		if (!is_user(address))
			return;
		size = bytes_of(insn, bytes, sizeof(bytes));
		marker = marker_of(bytes, size);
		if (marker) {
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_marker, QEMU_PLUGIN_CB_NO_REGS,
							       (void *)(uintptr_t)marker);
			before = UINT64_MAX;
			continue;
		}
		/*
		 * Between two accesses the page of the code comes once, which on_access() sees to;
		 * so only the ends of a block, and the ends of a page, are asked for here.
		 */
		if (page != before || i == count - 1)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_fetch, QEMU_PLUGIN_CB_NO_REGS,
							       (void *)(uintptr_t)page);
		if (last != page)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_fetch, QEMU_PLUGIN_CB_NO_REGS,
							       (void *)(uintptr_t)last);
		before = last;
		qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
						 (void *)(uintptr_t)last);
		if (size == 2 && !memcmp(bytes, "\x0f\x05", 2))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_syscall, QEMU_PLUGIN_CB_NO_REGS, NULL);
	}
}

/* The program's end, in user emulation; a trace by markers is over by then. */
static void on_exit_of_qemu(qemu_plugin_id_t id, void *data)
{
	(void)id;
	(void)data;
	begin();
	if (state == ON && threads)
		finish();
	end();
}

/* A child of the program's has an address space of its own. */
static void in_child(void)
{
	state = OVER;
	filled = 0;
	if (out >= 0)
		close(out);
	out = -1;
	pthread_mutex_init(&lock, NULL);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4)) {
			path = argv[i] + 4;
		} else if (!strcmp(argv[i], "from=start")) {
			state = ON;
		} else if (!strncmp(argv[i], "max=", 4)) {
			allowed = strtoull(argv[i] + 4, NULL, 10) << 20;
		} else {
			fprintf(stderr, "trace: what is %s? there are out=FILE, from=start and max=MB\n", argv[i]);
			return 1;
		}
	}
	if (strcmp(info->target_name, "x86_64")) {
		fprintf(stderr, "trace: it traces x86_64, not %s\n", info->target_name);
		return 1;
	}
	if (info->system_emulation && info->system.smp_vcpus != 1) {
		fprintf(stderr, "trace: the system has to have one CPU, not %d\n", info->system.smp_vcpus);
		return 1;
	}
	if (!path) {
		fprintf(stderr, "trace: out=FILE says where the trace goes\n");
		return 1;
	}
	out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (out < 0) {
		fprintf(stderr, "trace: %s: %s\n", path, strerror(errno));
		return 1;
	}
	threads = !info->system_emulation;
	filled = snprintf((char *)buffer, sizeof(buffer), TRACE_MAGIC "\n");
	pthread_atfork(NULL, NULL, in_child);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
	return 0;
}
