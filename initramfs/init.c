// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the test guest: runs one command, hands its output to the host and
 * says last, on a port of its own, how it went.
 *
 * scripts/boot is the other end. It leaves what is to be done in /.boot, as files of
 * NUL-terminated words:
 *
 *   environment  NAME=VALUE for everything that runs here
 *   command      the command; without it there is a shell on the console instead
 *   stdin        there if the host has input for the command
 *   get          files that go to the host afterwards
 *
 * and gives the guest a virtio port for each of stdin, stdout, stderr, files and
 * verdict. Writing to such a port only queues bytes; so the verdict tells how many
 * there were, and the machine stays up until the host has answered that it has them.
 * QEMU ends when the guest restarts (-no-reboot), which needs no ACPI.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ORDERS		"/.boot/"
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"

/* The input of the command: from a port of ours to a pipe that it reads. */
struct input {
	int port;	/* -1: there is no input, or no more of it */
	int pipe[2];
	char text[32768];
	size_t begin, end;
};

/* One output of the command: from a pipe that it writes to a port of ours. */
struct stream {
	const char *port_name;
	int pipe[2];
	int port;
	unsigned long long bytes;
};

/* Nothing is left to do but say so; the host sees a guest without a verdict. */
static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *format, ...)
{
	int error = errno;
	va_list args;

	va_start(args, format);
	fputs("init: ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(error));
	reboot(RB_AUTOBOOT);
	_exit(1);
}

/*
 * Modes come from the host, where they may be those of a umask of 077. Here every user
 * may do with a file what its owner may, apart from writing.
 */
static int open_to_all(const char *path, const struct stat *st, int type,
		       struct FTW *place)
{
	mode_t owner = st->st_mode & 0500;

	(void)place;
	if (type == FTW_F || type == FTW_D)
		chmod(path, (st->st_mode & 07777) | owner >> 3 | owner >> 6);
	return 0;
}

static void mount_one(const char *type, const char *where)
{
	mkdir(where, 0755);
	/*
	 * ENODEV, or ENOENT below /sys: not in this kernel. EBUSY: the kernel
	 * has mounted it.
	 */
	if (mount(type, where, type, 0, NULL) && errno != ENODEV &&
	    errno != ENOENT && errno != EBUSY)
		die("mount %s on %s", type, where);
}

static void mount_all(void)
{
	mount_one("proc", "/proc");
	mount_one("sysfs", "/sys");
	mount_one("devtmpfs", "/dev");
	mount_one("tmpfs", "/dev/shm");
	mount_one("devpts", "/dev/pts");
	/* Files of this machine's /tmp have been added: then theirs it stays. */
	if (!rmdir("/tmp") || errno == ENOENT)
		mount_one("tmpfs", "/tmp");
	chmod("/tmp", 01777);
	mount_one("debugfs", "/sys/kernel/debug");
	mount_one("cgroup2", "/sys/fs/cgroup");
	/* What a shell's <(list) and many scripts name; devtmpfs leaves it to us. */
	if (symlink("/proc/self/fd", "/dev/fd") ||
	    symlink("/proc/self/fd/0", "/dev/stdin") ||
	    symlink("/proc/self/fd/1", "/dev/stdout") ||
	    symlink("/proc/self/fd/2", "/dev/stderr"))
		die("links in /dev");
}

/* A kernel without INET has no such socket, and no need of the interface. */
static void bring_up_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		die("bring up lo");
	close(fd);
}

/* Start a command; @fds are its first three, or NULL for those that we have. */
static pid_t spawn(char *const argv[], const int fds[3])
{
	sigset_t none;
	pid_t pid = fork();

	if (pid)
		return pid;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int fd = 0; fds && fd < 3; fd++)
		dup2(fds[fd], fd);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void install_busybox(void)
{
	char *const argv[] = { "/bin/busybox", "--install", "-s", "/bin", NULL };
	pid_t pid = spawn(argv, NULL);

	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("busybox --install");
}

/* The NUL-terminated words of a file, and NULL; or only NULL if there is no such file. */
static char **read_words(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), n = 0;
	struct stat st = {};
	char *text, **words;

	if (fd >= 0 && fstat(fd, &st))
		die("%s", path);
	/* A word has at least its NUL. */
	text = malloc(st.st_size + 1);
	words = calloc(st.st_size + 1, sizeof(*words));
	if (!text || !words || (fd >= 0 && read(fd, text, st.st_size) != st.st_size))
		die("%s", path);
	for (char *word = text; word < text + st.st_size; word += strlen(word) + 1)
		words[n++] = word;
	if (fd >= 0)
		close(fd);
	return words;
}

/* The device of the port that the host calls @name, or -1. */
static int find_port(const char *name)
{
	char path[300], text[64];
	struct dirent *entry;
	int port = -1;
	FILE *file;
	DIR *dir = opendir("/sys/class/virtio-ports");

	while (dir && port < 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name",
			 entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fscanf(file, "%63s", text) == 1 && !strcmp(text, name)) {
			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			port = open(path, O_RDWR | O_CLOEXEC);
		}
		fclose(file);
	}
	if (dir)
		closedir(dir);
	return port;
}

/* Ports arrive after their device has been found, so give them five seconds. */
static int open_port(const char *name)
{
	for (int tries = 0; tries < 500; tries++) {
		int port = find_port(name);

		if (port >= 0)
			return port;
		usleep(10000);
	}
	errno = ENODEV;
	die("virtio port \"%s\"", name);
}

static void open_stream(struct stream *stream)
{
	if (pipe2(stream->pipe, O_CLOEXEC))
		die("pipe");
	fcntl(stream->pipe[0], F_SETFL, O_NONBLOCK);
	stream->port = open_port(stream->port_name);
}

/* The host's first byte says that it is there: until then a read finds the end. */
static void open_input(struct input *in)
{
	char first;

	in->port = -1;
	in->pipe[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (access(ORDERS "stdin", F_OK))
		return;
	in->port = open_port("stdin");
	close(in->pipe[0]);
	if (pipe2(in->pipe, O_CLOEXEC))
		die("pipe");
	fcntl(in->pipe[1], F_SETFL, O_NONBLOCK);
	while (read(in->port, &first, 1) == 0)
		usleep(10000);
}

/* Pass on what the host has sent, as much as the command takes now. */
static void feed(struct input *in)
{
	ssize_t n;

	if (in->begin == in->end) {
		n = read(in->port, in->text, sizeof(in->text));
		in->begin = 0;
		in->end = n > 0 ? n : 0;
	}
	n = in->end ? write(in->pipe[1], in->text + in->begin, in->end - in->begin) : -1;
	if (n > 0) {
		in->begin += n;
	} else if (!in->end || errno != EAGAIN) {
		/* Its end; or the command reads no more of it. */
		close(in->pipe[1]);
		close(in->port);
		in->port = -1;
	}
}

/*
 * Whether a port may do a moment later what it has just failed to do: right after an OOM kill
 * there may be no memory yet for what it queues.
 */
static bool is_passing(void)
{
	return errno == EAGAIN || errno == ENOMEM || errno == EINTR;
}

/* Pass on what there is to read now. What read() said of it. */
static ssize_t pass_on(int from, struct stream *stream)
{
	static char buffer[32768];
	ssize_t got = read(from, buffer, sizeof(buffer));

	for (ssize_t done = 0, n; done < got; done += n) {
		n = write(stream->port, buffer + done, got - done);
		if (n < 0 && !is_passing())
			die("write to port \"%s\"", stream->port_name);
		if (n <= 0) {
			n = 0;
			usleep(10000);
		}
	}
	if (got > 0)
		stream->bytes += got;
	return got;
}

/* Pass on what is in the pipe now. False when there was nothing. */
static int relay(struct stream *stream)
{
	return pass_on(stream->pipe[0], stream) > 0;
}

/* Reap whatever has ended. True, with its status, once @pid is among them. */
static int reap(pid_t pid, int *status)
{
	int one, found = 0;
	pid_t ended;

	while ((ended = waitpid(-1, &one, WNOHANG)) > 0) {
		if (ended != pid)
			continue;
		*status = one;
		found = 1;
	}
	return found;
}

/* Run the command, relaying as it goes. Returns what wait() says of it. */
static int run(char *const argv[], struct input *in, struct stream *out,
	       struct stream *err)
{
	const int of_command[3] = { in->pipe[0], out->pipe[1], err->pipe[1] };
	struct pollfd fds[4] = {
		{ .fd = out->pipe[0], .events = POLLIN },
		{ .fd = err->pipe[0], .events = POLLIN },
		{ .events = POLLIN },
	};
	struct signalfd_siginfo info;
	int status = 0, ended = 0;
	sigset_t chld;
	pid_t pid;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	fds[2].fd = signalfd(-1, &chld, SFD_CLOEXEC);
	if (fds[2].fd < 0)
		die("signalfd");

	pid = spawn(argv, of_command);
	if (pid < 0)
		die("fork");
	/* A write shall find out when nobody is left that reads. */
	close(in->pipe[0]);
	while (!ended) {
		fds[3].fd = in->port >= 0 && in->begin < in->end ? in->pipe[1] : in->port;
		fds[3].events = fds[3].fd == in->port ? POLLIN : POLLOUT;
		poll(fds, 4, -1);
		relay(out);
		relay(err);
		if (fds[3].revents)
			feed(in);
		if (fds[2].revents && read(fds[2].fd, &info, sizeof(info)) > 0)
			ended = reap(pid, &status);
	}

	/* What the command has left running must not hold up or add to the end. */
	kill(-1, SIGKILL);
	while (relay(out) || relay(err))
		;
	return status;
}

/* The kernel reports on the console; an object must be seen lost by two scans. */
static void scan_for_leaks(void)
{
	int fd = open(KMEMLEAK, O_WRONLY | O_CLOEXEC);

	for (int scans = 0; fd >= 0 && scans < 2; scans++) {
		sleep(5);
		if (write(fd, "scan", 4) != 4)
			die("write to " KMEMLEAK);
	}
}

static unsigned long read_taint(void)
{
	FILE *file = fopen("/proc/sys/kernel/tainted", "re");
	unsigned long taint;

	if (!file || fscanf(file, "%lu", &taint) != 1)
		die("/proc/sys/kernel/tainted");
	fclose(file);
	return taint;
}

/* Milliseconds since the kernel started its clock. */
static long uptime_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Send a file to the host. What the verdict says of it: its bytes, and an error. */
static void send_file(const char *path, struct stream *files, FILE *said)
{
	unsigned long long before = files->bytes;
	/* What would wait for a writer is an error instead. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	ssize_t n = fd;

	while (n >= 0 && (n = pass_on(fd, files)) > 0)
		;
	fprintf(said, "%s%llu%s", ftell(said) ? "," : "",
		files->bytes - before, n < 0 ? strerrorname_np(errno) : "");
	if (fd >= 0)
		close(fd);
}

static void __attribute__((format(printf, 2, 3))) tell(int port, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		die("vasprintf");
	va_end(args);
	for (char *rest = text; *rest;) {
		ssize_t written = write(port, rest, strlen(rest));

		if (written > 0)
			rest += written;
		else if (!written || is_passing())
			usleep(10000);
		else
			die("write to port \"verdict\"");
	}
	free(text);
}

static void run_and_tell(char *const argv[])
{
	struct stream out = { .port_name = "stdout" }, err = { .port_name = "stderr" };
	struct stream files = { .port_name = "files" };
	char **wanted = read_words(ORDERS "get"), *got, ack;
	ssize_t n;
	static struct input in;
	int verdict = open_port("verdict"), status;
	size_t length;
	FILE *said = open_memstream(&got, &length);
	long booted;

	if (!said)
		die("open_memstream");
	open_stream(&out);
	open_stream(&err);
	if (*wanted)
		files.port = open_port(files.port_name);
	open_input(&in);
	booted = uptime_ms();
	status = run(argv, &in, &out, &err);
	for (; *wanted; wanted++)
		send_file(*wanted, &files, said);
	fclose(said);
	scan_for_leaks();
	tell(verdict, "exit %d boot=%ld stdout=%llu stderr=%llu files=%llu got=%s taint=%lu",
	     WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status),
	     booted, out.bytes, err.bytes, files.bytes, got, read_taint());
	if (WIFSIGNALED(status))
		tell(verdict, " signal=%d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	tell(verdict, "\n");
	/* Reads nothing at once for as long as the host has not opened its end. */
	while ((n = read(verdict, &ack, 1)) == 0 || (n < 0 && is_passing()))
		usleep(10000);
}

static void run_shell(void)
{
	char *const argv[] = { "/bin/setsid", "-c", "/bin/sh", "-l", NULL };
	pid_t pid = spawn(argv, NULL), ended;

	do
		ended = wait(NULL);
	while (ended != pid && (ended > 0 || errno == EINTR));
}

int main(void)
{
	char **argv, **variable;

	for (variable = read_words(ORDERS "environment"); *variable; variable++)
		putenv(*variable);
	nftw("/", open_to_all, 16, FTW_PHYS);
	mount_all();
	bring_up_loopback();
	install_busybox();
	argv = read_words(ORDERS "command");
	if (*argv)
		run_and_tell(argv);
	else
		run_shell();
	sync();
	reboot(RB_AUTOBOOT);
	die("reboot");
}
