/*
 * What the load generators share: connections to loopback, and a look at the server's process.
 *
 * The look is taken at both ends of the measured window, so that start-up and warm-up are left
 * out: CPU time and voluntary switches of all threads of the process, kernel workers of a ring
 * included, because they are its threads. Plain epoll, one thread; no ring anywhere.
 */
#ifndef ONERING_BENCH_LOAD_H
#define ONERING_BENCH_LOAD_H

#include "measure.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENT_BATCH 512

/* What a process has used up; see probe_process. */
struct usage {
	uint64_t cpu_ns, switches, peak_kib;
};

/* Usage of a process so far; all zero for pid 0. A thread that ended took its switches along. */
static inline struct usage probe_process(int pid)
{
	struct usage usage = {0};
	char path[300];
	clockid_t clock;
	if (pid <= 0)
		return usage;
	int error = clock_getcpuclockid(pid, &clock);
	if (error != 0)
		fail("Cannot read the CPU clock of process %d: %s", pid, strerror(error));
	usage.cpu_ns = clock_ns(clock);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	usage.peak_kib = field_of(path, "VmHWM:");
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *tasks = opendir(path);
	if (tasks == NULL)
		return usage;
	for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", pid, entry->d_name);
		usage.switches += field_of(path, "voluntary_ctxt_switches:");
	}
	closedir(tasks);
	return usage;
}

/* Prints what the server used between two looks, with a comma behind it. */
static inline void print_usage(int pid, struct usage before, struct usage after)
{
	if (pid <= 0)
		return;
	uint64_t switches = after.switches > before.switches ? after.switches - before.switches : 0;
	printf("\"serverCpuSeconds\":%.6f,\"serverSwitches\":%llu,\"serverPeakBytes\":%llu,",
	       (double)(after.cpu_ns - before.cpu_ns) / 1e9, (unsigned long long)switches,
	       (unsigned long long)after.peak_kib * 1024);
}

static inline struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = {htonl(INADDR_LOOPBACK)},
	};
}

/* Connects, then makes the socket non-blocking. */
static inline int connect_to(int port)
{
	struct sockaddr_in address = loopback(port);
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		fail("Cannot connect to port %d: %s", port, strerror(errno));
	/* Spares the load the pacing timers of bbr; where it fails the default will do. */
	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
	return fd;
}

static inline void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

#endif
