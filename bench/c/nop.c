/*
 * nop DEPTH SECONDS WARMUP [--counted]
 *
 * Keeps DEPTH NOPs in flight: each completion queues the next one at once, and one enter per
 * batch submits them and collects what completed. The lower bound of what one operation costs;
 * there is no I/O in it.
 *
 * Each NOP carries its sequence number through the kernel. `checksum` is the sum of those that
 * came back, modulo 2^32, so that whoever reads the result can tell that 0 .. completions-1
 * each came back once. `operations`, `seconds` and `cpuSeconds` leave the warm-up out;
 * `completions` does not.
 */
#include "twin.h"

/* Reading the clock costs about as much as half a NOP. */
#define OPERATIONS_PER_CLOCK_READ 1024

struct progress {
	uint64_t next;        /* sequence number of the next NOP */
	uint64_t completions;
	uint32_t checksum;
};

static void queue_nop(struct io_uring *ring, struct progress *progress)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	if (sqe == NULL)
		fail("The submission queue is full");
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, progress->next++);
}

static unsigned turn(struct io_uring *ring, struct progress *progress, int requeues)
{
	int result = io_uring_submit_and_get_events(ring);
	if (result < 0 && result != -EINTR)
		fail("Cannot submit: %s", strerror(-result));
	struct io_uring_cqe *cqe;
	unsigned head, count = 0;
	io_uring_for_each_cqe(ring, head, cqe) {
		if (cqe->res != 0)
			fail("A NOP returned %d", cqe->res);
		progress->checksum += (uint32_t)cqe->user_data;
		count++;
		if (requeues)
			queue_nop(ring, progress);
	}
	io_uring_cq_advance(ring, count);
	progress->completions += count;
	return count;
}

static void run_until(struct io_uring *ring, struct progress *progress, uint64_t deadline_ns)
{
	do {
		unsigned count = 0;
		while (count < OPERATIONS_PER_CLOCK_READ)
			count += turn(ring, progress, 1);
	} while (now_ns() < deadline_ns);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		fail("Usage: nop DEPTH SECONDS WARMUP [--counted]");
	int depth = atoi(argv[1]);
	double seconds = atof(argv[2]), warmup = atof(argv[3]);
	if (depth < 1 || depth > 16384 || seconds <= 0 || warmup < 0)
		fail("Expected a depth of 1 to 16384 and a positive number of seconds");

	struct io_uring ring;
	make_ring(&ring, (unsigned)depth, 2 * (unsigned)depth, 0);
	struct progress progress = {0, 0, 0};
	if (argc > 4)
		wait_for_counter();
	for (int i = 0; i < depth; i++)
		queue_nop(&ring, &progress);

	if (warmup > 0)
		run_until(&ring, &progress, now_ns() + (uint64_t)(warmup * 1e9));
	uint64_t completions_before = progress.completions;
	double cpu_before = cpu_seconds();
	long switches_before = voluntary_switches();
	uint64_t start_ns = now_ns();
	run_until(&ring, &progress, start_ns + (uint64_t)(seconds * 1e9));
	uint64_t operations = progress.completions - completions_before;
	double elapsed = (double)(now_ns() - start_ns) / 1e9;
	double cpu = cpu_seconds() - cpu_before;

	printf("{\"operations\":%llu,\"seconds\":%.6f,\"cpuSeconds\":%.6f,",
	       (unsigned long long)operations, elapsed, cpu);
	print_own_usage(switches_before);
	while (progress.completions < progress.next)
		turn(&ring, &progress, 0);
	printf("\"completions\":%llu,\"checksum\":%u}\n",
	       (unsigned long long)progress.completions, progress.checksum);
	io_uring_queue_exit(&ring);
	return 0;
}
