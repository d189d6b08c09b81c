/*
 * What the C twins share: a ring with the same set-up flags as onering's, clocks, and how to
 * end.
 *
 * The twins are the yardstick of the comparison: what a careful C programmer gets from liburing
 * for the same work. They build with liburing 2.3 and later; values that its header may lack
 * are defined here. Not used: IORING_SETUP_NO_SQARRAY, because liburing before 2.5 would write
 * an index array that such a ring does not have (newer ones set the flag themselves).
 */
#ifndef ONERING_BENCH_TWIN_H
#define ONERING_BENCH_TWIN_H

#include <errno.h>
#include <liburing.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#ifndef IORING_SETUP_COOP_TASKRUN
#define IORING_SETUP_COOP_TASKRUN (1U << 8)
#endif
#ifndef IORING_SETUP_TASKRUN_FLAG
#define IORING_SETUP_TASKRUN_FLAG (1U << 9)
#endif
#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1U << 12)
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN (1U << 13)
#endif
#ifndef IORING_SQ_TASKRUN
#define IORING_SQ_TASKRUN (1U << 2)
#endif

__attribute__((noreturn, format(printf, 1, 2))) static inline void fail(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

static inline uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* User and system time of the whole process, kernel workers of the ring included. */
static inline double cpu_seconds(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static inline void make_ring(struct io_uring *ring, unsigned entries, unsigned completion_entries,
			     unsigned more_flags)
{
	struct io_uring_params params;
	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
		       IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL |
		       IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE | more_flags;
	params.cq_entries = completion_entries;
	int result = io_uring_queue_init_params(entries, ring, &params);
	if (result < 0)
		fail("Cannot make a ring (Linux 6.1 or newer needed): %s", strerror(-result));
	/* Saves the kernel a file look-up on each enter; harmless when it is missing. */
	io_uring_register_ring_fd(ring);
}

#endif
