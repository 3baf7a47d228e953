// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the test guest: runs one command, hands its output to the host and
 * says last, on a port of its own, how it went.
 *
 * scripts/boot is the other end. It puts the command into /cmd as NUL-terminated
 * words and gives the guest three virtio ports: stdout, stderr and verdict.
 * Writing to such a port only queues bytes; so the verdict tells how many there
 * were, and the machine stays up until the host has answered that it has them.
 * QEMU ends when the guest restarts (-no-reboot), which needs no ACPI.
 * Without /cmd there is a shell on the console instead.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
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

#define CMD		"/cmd"
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
#define MAX_ARGS	256

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
	mount_one("tmpfs", "/tmp");
	mount_one("debugfs", "/sys/kernel/debug");
	mount_one("cgroup2", "/sys/fs/cgroup");
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

static pid_t spawn(char *const argv[], const struct stream *out,
		   const struct stream *err)
{
	sigset_t none;
	pid_t pid = fork();

	if (pid)
		return pid;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (out) {
		dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
		dup2(out->pipe[1], 1);
		dup2(err->pipe[1], 2);
	}
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void install_busybox(void)
{
	char *const argv[] = { "/bin/busybox", "--install", "-s", "/bin", NULL };
	pid_t pid = spawn(argv, NULL, NULL);

	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("busybox --install");
}

/* The words of /cmd, or NULL when there is no such file. */
static char **read_command(void)
{
	static char text[65536], *argv[MAX_ARGS + 1];
	int fd = open(CMD, O_RDONLY | O_CLOEXEC), n = 0;
	ssize_t length;

	if (fd < 0)
		return NULL;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	for (char *word = text; word < text + length; word += strlen(word) + 1) {
		if (n == MAX_ARGS) {
			errno = E2BIG;
			die("more than %d words in " CMD, MAX_ARGS);
		}
		argv[n++] = word;
	}
	return n ? argv : NULL;
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

/* Pass on what is in the pipe now. False when there was nothing. */
static int relay(struct stream *stream)
{
	static char buffer[32768];
	ssize_t got = read(stream->pipe[0], buffer, sizeof(buffer));

	for (ssize_t done = 0, n; done < got; done += n) {
		n = write(stream->port, buffer + done, got - done);
		if (n < 0)
			die("write to port \"%s\"", stream->port_name);
	}
	if (got > 0)
		stream->bytes += got;
	return got > 0;
}

/* Reap whatever has ended. True, with its status, once @pid is among them. */
static int reap(pid_t pid, int *status)
{
	int one, found = 0;
	pid_t ended;

	while ((ended = waitpid(-1, &one, WNOHANG)) > 0) {
		if (ended != pid)
			continue;
		*status = WIFSIGNALED(one) ? 128 + WTERMSIG(one) : WEXITSTATUS(one);
		found = 1;
	}
	return found;
}

/* Run the command, relaying as it goes. Returns its status as a shell has it. */
static int run(char *const argv[], struct stream *out, struct stream *err)
{
	struct pollfd fds[3] = {
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

	pid = spawn(argv, out, err);
	if (pid < 0)
		die("fork");
	while (!ended) {
		poll(fds, 3, -1);
		relay(out);
		relay(err);
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

static void run_and_tell(char *const argv[])
{
	struct stream out = { .port_name = "stdout" };
	struct stream err = { .port_name = "stderr" };
	int verdict = open_port("verdict"), status;
	long booted;
	char ack;

	open_stream(&out);
	open_stream(&err);
	booted = uptime_ms();
	status = run(argv, &out, &err);
	scan_for_leaks();
	dprintf(verdict, "exit %d boot=%ld stdout=%llu stderr=%llu taint=%lu\n",
		status, booted, out.bytes, err.bytes, read_taint());
	/* Reads nothing at once for as long as the host has not opened its end. */
	while (read(verdict, &ack, 1) == 0)
		usleep(10000);
}

static void run_shell(void)
{
	char *const argv[] = { "/bin/setsid", "-c", "/bin/sh", "-l", NULL };
	pid_t pid = spawn(argv, NULL, NULL), ended;

	do
		ended = wait(NULL);
	while (ended != pid && (ended > 0 || errno == EINTR));
}

int main(void)
{
	char **argv;

	setenv("PATH", "/:/bin:/sbin:/usr/bin:/usr/sbin", 1);
	setenv("HOME", "/", 1);
	mount_all();
	bring_up_loopback();
	install_busybox();
	argv = read_command();
	if (argv)
		run_and_tell(argv);
	else
		run_shell();
	sync();
	reboot(RB_AUTOBOOT);
	die("reboot");
}
