/*
 * What the C twins share: a ring with the same set-up flags as onering's, and what the
 * process has used up.
 *
 * The twins are the yardstick of the comparison: what a careful C programmer gets from liburing
 * for the same work. They build with liburing 2.3 and later; values that its header may lack
 * are defined here. Not used: IORING_SETUP_NO_SQARRAY, because liburing before 2.5 would write
 * an index array that such a ring does not have (newer ones set the flag themselves).
 */
#ifndef ONERING_BENCH_TWIN_H
#define ONERING_BENCH_TWIN_H

#include "measure.h"

#include <liburing.h>
#include <sys/resource.h>

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

/* User and system time of the whole process, kernel workers of the ring included. */
static inline double cpu_seconds(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/*
 * Prints "switches" and "peakBytes", with a comma behind. Not ru_maxrss: that of who started this
 * process counts into it.
 */
static inline void print_own_usage(long switches_before)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	printf("\"switches\":%ld,\"peakBytes\":%llu,", usage.ru_nvcsw - switches_before,
	       (unsigned long long)field_of("/proc/self/status", "VmHWM:") * 1024);
}

static inline long voluntary_switches(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nvcsw;
}

/* With --counted somebody attaches a counter of system calls before the work begins. */
static inline void wait_for_counter(void)
{
	printf("{\"ready\":true}\n");
	fflush(stdout);
	if (getchar() == EOF)
		fail("Nobody has said that the counter is there");
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
