// SPDX-License-Identifier: GPL-2.0
/*
 * tamalloc(2) shown to somebody who sees it for the first time: memory that is
 * reserved by the call, and becomes resident page by page as it is touched.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tamalloc_syscall.h"

#define MB (1UL << 20)
#define BAR 20

/* What one way of getting memory did: kB resident after each step, faults. */
struct result {
	long reserved, after_call, one_page, half, all, faults;
};

struct way {
	const char *name;
	void *(*get)(size_t size);
	bool tell;		/* with a line for each MB */
};

static size_t page;
static bool spanish;

/* Each text in the two languages of the demo. */
#define T(english, in_spanish) (spanish ? (in_spanish) : (english))

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, format);
	fprintf(stderr, "demo: ");
	vfprintf(stderr, format, ap);
	fprintf(stderr, "\n");
	exit(EXIT_FAILURE);
}

static void *by_tamalloc(size_t size)
{
	void *addr;

	return syscall(__NR_tamalloc, size, &addr) ? NULL : addr;
}

static void *by_calloc(size_t size)
{
	return calloc(size, 1);
}

static void *by_mmap_with(size_t size, int flags)
{
	void *addr = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	return addr == MAP_FAILED ? NULL : addr;
}

static void *by_mmap(size_t size)
{
	return by_mmap_with(size, 0);
}

static void *by_populate(size_t size)
{
	return by_mmap_with(size, MAP_POPULATE);
}

/* The kB in a line such as "VmSize:	    1234 kB" of a file in /proc. */
static long kb(const char *path, const char *name)
{
	FILE *file = fopen(path, "r");
	size_t len = strlen(name);
	char line[256];
	long value = 0;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, len) && line[len] == ':')
			value = atol(line + len + 1);
	if (file)
		fclose(file);
	return value;
}

static long vm_size(void)
{
	return kb("/proc/self/status", "VmSize");
}

static long vm_rss(void)
{
	return kb("/proc/self/status", "VmRSS");
}

/* Pages of the memory that are present, or swapped out, by the page tables. */
static long resident_pages(const char *p, size_t size)
{
	size_t first = (uintptr_t)p / page, end = ((uintptr_t)p + size - 1) / page + 1;
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry[512];
	long count = 0;

	if (fd < 0)
		die(T("cannot count pages: /proc/self/pagemap: %s (is /proc mounted?)",
		      "no se pueden contar las páginas: /proc/self/pagemap: %s (¿está montado /proc?)"),
		    strerror(errno));
	while (first < end) {
		size_t n = end - first < 512 ? end - first : 512;

		if (pread(fd, entry, n * 8, first * 8) != (ssize_t)n * 8)
			die(T("cannot read /proc/self/pagemap: %s",
			      "no se puede leer /proc/self/pagemap: %s"), strerror(errno));
		for (size_t i = 0; i < n; i++)
			count += entry[i] >> 62 != 0;
		first += n;
	}
	close(fd);
	return count;
}

static long resident_kb(const char *p, size_t size)
{
	return resident_pages(p, size) * (page / 1024);
}

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

/* Byte by byte: it must be zero, and becomes a letter. The faults that took. */
static long touch(char *p, size_t from, size_t to)
{
	static uint32_t seed = 1;
	long before = faults();

	for (size_t i = from; i < to; i++) {
		volatile char *byte = p + i;

		if (*byte)
			die(T("byte %zu is %d, not zero: this kernel is broken",
			      "el byte %zu es %d y no cero: este kernel está roto"), i, *byte);
		seed = seed * 1664525 + 1013904223;
		*byte = 'a' + (seed >> 16) % 26;
	}
	return faults() - before;
}

static void print_row(const char *what, const char *p, size_t size, long taken)
{
	printf("  %-8s %10ld %10ld %10ld %8ld", what, vm_size(), vm_rss(),
	       p ? resident_pages(p, size) : 0, taken);
}

static void print_progress(const char *p, size_t size, size_t done, long taken)
{
	int filled = done * BAR / size;
	char what[24];

	snprintf(what, sizeof(what), "%zu MB", done / MB);
	print_row(what, p, size, taken);
	printf("  [%.*s%.*s]\n", filled, "####################", BAR - filled,
	       "....................");
	fflush(stdout);
}

static void print_head(size_t size)
{
	printf(T("pid %d asks for %zu MB, that is %zu pages of %zu kB.\n\n",
		 "el proceso %d pide %zu MB, es decir, %zu páginas de %zu kB.\n\n"), getpid(),
	       size / MB, size / page, page / 1024);
	printf("  %-8s %10s %10s %s\n", "", "VmSize kB", "VmRSS kB",
	       T("  pages in   faults", "   páginas   faltas"));
	print_row(T("before", "antes"), NULL, 0, 0);
	printf("\n");
}

static void print_call(const char *p, size_t size, long taken)
{
	long pages = resident_pages(p, size);

	/* The accent takes two bytes, and printf pads by bytes. */
	print_row(T("after", "después "), p, size, taken);
	printf("  syscall(__NR_tamalloc, %zu, &addr)\n\n", size);
	printf(T("addr is %p. The address space has grown; %s.\n\n",
		 "addr es %p. El espacio de direcciones ha crecido; %s.\n\n"), p,
	       pages || taken ?
	       T("and, against its promise, pages came or faults were taken",
		 "y, contra lo prometido, han llegado páginas o ha habido faltas") :
	       T("no page has come in, no fault was taken",
		 "no ha llegado ninguna página ni ha habido ninguna falta"));
	printf(T("Now each byte is read, must be zero, and is overwritten with a letter:\n\n",
		 "Ahora se lee cada byte, que debe ser cero, y se escribe en él una letra:\n\n"));
}

/* What is not the memory in question is present already: no faults from it. */
static void settle(void)
{
	vm_size();
	mlockall(MCL_CURRENT);
	munlockall();
}

/*
 * Get the memory and touch all of it, stopping to measure after the call, after
 * the first page, at one half and at the end, and for each MB if that is told.
 */
static void run(const struct way *way, size_t size, struct result *result)
{
	long reserved, before;
	size_t done = 0;
	char *p;

	settle();
	if (way->tell)
		print_head(size);
	reserved = vm_size();
	before = faults();
	p = way->get(size);
	result->faults = faults() - before;
	if (!p)
		die(T("%s gives no %zu MB: %s", "%s no da %zu MB: %s"), way->name,
		    size / MB, strerror(errno));
	result->reserved = vm_size() - reserved;
	result->after_call = resident_kb(p, size);
	if (way->tell)
		print_call(p, size, result->faults);
	while (done < size) {
		size_t next = !done ? page : done == page ? MB / 2 : done + MB / 2;

		result->faults += touch(p, done, next);
		done = next;
		if (done == page)
			result->one_page = resident_kb(p, size);
		if (done == size / 2)
			result->half = resident_kb(p, size);
		if (way->tell && done % MB == 0)
			print_progress(p, size, done, result->faults);
	}
	result->all = resident_kb(p, size);
}

/* In a process of its own, so that none inherits what another has left. */
static void run_apart(const struct way *way, size_t size, struct result *result)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die(T("cannot fork: %s", "fork falla: %s"), strerror(errno));
	if (!pid) {
		run(way, size, result);
		exit(EXIT_SUCCESS);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		die(T("the %s run was killed (%s); try a smaller size",
		      "la prueba con %s murió (%s); inténtalo con menos MB"), way->name,
		    strsignal(WTERMSIG(status)));
	if (status)
		exit(EXIT_FAILURE);
}

/* The chosen word of "always [madvise] never". */
static const char *thp(void)
{
	static char text[64];
	int fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	char *start = len > 0 ? strchr(text, '[') : NULL;

	if (fd >= 0)
		close(fd);
	if (!start)
		return T("not in this kernel", "no están en este kernel");
	*strchrnul(start, ']') = '\0';
	return start + 1;
}

static void print_summary(const struct way *way, const struct result *result, int count)
{
	printf(T("\nThe same on other memory, each in a fresh process"
		 " (transparent huge pages: %s)\n\n",
		 "\nLo mismo con otras clases de memoria, cada una en un proceso nuevo"
		 " (páginas enormes transparentes: %s)\n\n"), thp());
	printf("  %-14s %s\n", "",
	       T("  reserved | after call   1 page     half      all |   faults",
		 " reservado |  al volver 1 página    mitad     todo |   faltas"));
	for (int i = 0; i < count; i++)
		printf("  %-14s %7ld kB | %7ld kB %8ld %8ld %8ld | %8ld\n", way[i].name,
		       result[i].reserved, result[i].after_call, result[i].one_page,
		       result[i].half, result[i].all, result[i].faults);
	printf(T("\n  The middle columns are kB resident, counted in the page tables"
		 " (/proc/self/pagemap):\n  exact, where VmRSS above is rounded by the"
		 " kernel. Faults, from getrusage(2),\n  include those that the call itself takes.\n\n",
		 "\n  Las columnas del centro son kB residentes, contados en las tablas de páginas\n"
		 "  (/proc/self/pagemap): exactos, mientras que el kernel redondea el VmRSS de arriba.\n"
		 "  Las faltas de página, de getrusage(2), incluyen las de la propia llamada.\n\n"));
}

static void check_size(size_t size)
{
	long available = kb("/proc/meminfo", "MemAvailable");

	if (available && size / 1024 > (size_t)available)
		die(T("%zu MB will not fit in the %ld MB that are free; try a smaller size",
		      "%zu MB no caben en los %ld MB libres; inténtalo con menos"),
		    size / MB, available / 1024);
}

/* Asked with a size that no kernel grants, the call says whether it is there. */
static void check_kernel(void)
{
	if (syscall(__NR_tamalloc, 0, NULL) && errno == ENOSYS)
		die(T("this kernel has no tamalloc (ENOSYS).\n"
		      "      `make run`, at the top of the repository, builds and boots one"
		      " that has.",
		      "este kernel no tiene tamalloc (ENOSYS).\n"
		      "      `make run`, en la raíz del repositorio, compila y arranca uno"
		      " que sí lo tiene."));
}

static void __attribute__((noreturn)) misused(const char *reason, const char *arg)
{
	fprintf(stderr, reason, arg);
	fprintf(stderr, "%s: demo [MB]\n", T("usage", "uso"));
	exit(125);
}

static size_t size_from(const char *arg)
{
	unsigned long mb;
	char *end;

	errno = 0;
	mb = strtoul(arg, &end, 10);
	if (errno || *end || *arg < '0' || *arg > '9' || !mb || mb > 1UL << 20)
		misused(T("demo: '%s' is not a number of MB, 1 or more\n",
			  "demo: '%s' no es un número de MB, de 1 en adelante\n"), arg);
	return mb * MB;
}

/* Whether the user reads Spanish, as locale(7) has it: the first of these that is set. */
static bool speaks_spanish(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	for (int i = 0; i < 3; i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return !strncmp(value, "es", 2) && !isalpha(value[2]);
	}
	return false;
}

int main(int argc, char **argv)
{
	const struct way ways[] = {
		{ "tamalloc", by_tamalloc, true },
		{ "calloc", by_calloc, false },
		{ "mmap", by_mmap, false },
		{ "MAP_POPULATE", by_populate, false },
	};
	const int count = sizeof(ways) / sizeof(*ways);
	struct result *results;
	size_t size;

	spanish = speaks_spanish();
	if (argc == 2 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))) {
		printf(T("usage: demo [MB]\nShows tamalloc(2) on MB megabytes, 10 if not"
			 " said, next to calloc and mmap.\n",
			 "uso: demo [MB]\nMuestra tamalloc(2) con MB megabytes, 10 si no se dice,"
			 " junto a calloc y mmap.\n"));
		return EXIT_SUCCESS;
	}
	if (argc > 2)
		misused(T("demo: '%s' is one argument too many\n",
			  "demo: '%s' es un argumento de más\n"), argv[2]);
	page = sysconf(_SC_PAGESIZE);
	size = size_from(argc == 2 ? argv[1] : "10");
	check_kernel();
	check_size(size);
	results = mmap(NULL, sizeof(*results) * count, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (results == MAP_FAILED)
		die(T("no memory for the results: %s", "no hay memoria para los resultados: %s"),
		    strerror(errno));
	for (int i = 0; i < count; i++)
		run_apart(&ways[i], size, &results[i]);
	print_summary(ways, results, count);
	/* What the program is here to show: nothing at the call, one fault a page. */
	if (results[0].after_call || results[0].faults > (long)(size / page))
		die(T("tamalloc did not keep its promise, see the table",
		      "tamalloc no ha cumplido lo prometido: véase la tabla"));
	return EXIT_SUCCESS;
}
