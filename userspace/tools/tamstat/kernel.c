// SPDX-License-Identifier: GPL-2.0
/* What the kernel that we run on can do: tamalloc, and huge pages. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tamalloc_syscall.h"
#include "tamstat.h"

#define THP "/sys/kernel/mm/transparent_hugepage/"

int tamalloc_error(void)
{
	/* A size of 0 is refused before anything is done. */
	return syscall(__NR_tamalloc, 0, NULL) == -1 && errno != EINVAL ? errno : 0;
}

const char *no_tamalloc(int error)
{
	static char text[128];
	const char *what = "a sandbox refuses tamalloc";

	/* Docker's filter answers so too, to numbers that are too new for it. */
	if (error == ENOSYS)
		what = prctl(PR_GET_SECCOMP) > 0 ? "this kernel has no tamalloc, or a sandbox hides it" :
			"this kernel has no tamalloc";
	snprintf(text, sizeof(text), "%s (system call %d: %s)", what, __NR_tamalloc,
		 strerrorname_np(error));
	return text;
}

bool no_mode(void)
{
	return prctl(PR_GET_TAMALLOC, 0, 0, 0, 0) < 0;
}

static const char *first_line(const char *path, char *line, int size)
{
	FILE *file = fopen(path, "re");

	*line = 0;
	if (file) {
		if (!fgets(line, size, file))
			*line = 0;
		fclose(file);
	}
	return line;
}

/* "always [madvise] never" */
const char *huge_pages_setting(void)
{
	static char line[128];
	char *word = strchr(first_line(THP "enabled", line, sizeof(line)), '[');

	if (!word)
		return "";
	word[strcspn(word, "]")] = 0;
	return word + 1;
}
