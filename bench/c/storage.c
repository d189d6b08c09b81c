/*
 * storage MODE PATH DEPTH SECONDS WARMUP SIZE COUNT STRIDE [--counted]
 *
 * The twin of bench/workloads: the same work in the same order, DEPTH operations in flight.
 *
 *   read, read-direct   SIZE bytes at one of COUNT places, which a hash of the number picks
 *   scan                SIZE bytes at place number % COUNT
 *   write               each lane its places in turn, stamped at both ends and looked at after it
 *   log                 record `number` of SIZE bytes at its place, then fdatasync, linked
 *   small-read          file number % COUNT of the folder PATH: open, read, close, linked
 *   small-write         the same, written
 *   stat                statx of the same
 *
 * `checksum` sums up what was seen, modulo 2^32; bench/pattern.ts says what it must be. One
 * operation in STRIDE is timed. The clock is read then, and no more often.
 */
#include "twin.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u
#define DEPTH_MAX 1024

enum mode { READ, SCAN, WRITE, LOG, SMALL_READ, SMALL_WRITE, STAT };

struct lane {
	uint64_t index, start_ns;
	unsigned char *buffer;
	char path[256];
	struct statx statx;
	int left;             /* completions to come */
	int result;           /* of the operation that matters */
	uint32_t size, round;
};

static struct io_uring ring;
static struct lane lanes[DEPTH_MAX];
static enum mode mode;
static const char *path;
static uint32_t size, count, stride, depth;
static int file, looker;
static uint64_t next_index, completions;
static uint32_t checksum;
static struct histogram latencies;
static int is_stopping;

static uint32_t mix(uint32_t word)
{
	word ^= word >> 16;
	word *= 0x85ebca6bu;
	word ^= word >> 13;
	word *= 0xc2b2ae35u;
	return word ^ word >> 16;
}

static uint32_t word_of(uint32_t number)
{
	return mix(number + 0x9e3779b9u);
}

static uint32_t small_size(uint32_t number)
{
	return 1024 + word_of(number) % 7168;
}

static struct io_uring_sqe *get_entry(struct lane *lane, int is_result)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	if (sqe == NULL)
		fail("The submission queue is full");
	lane->left++;
	io_uring_sqe_set_data64(sqe, (uint64_t)(lane - lanes) << 1 | (unsigned)is_result);
	return sqe;
}

/* liburing's prep functions reset user_data in some versions: it is set again after them. */
static void mark(struct io_uring_sqe *sqe, struct lane *lane, int is_result)
{
	io_uring_sqe_set_data64(sqe, (uint64_t)(lane - lanes) << 1 | (unsigned)is_result);
}

static void stamp(struct lane *lane, uint32_t first, uint32_t last)
{
	memcpy(lane->buffer, &first, sizeof(first));
	memcpy(lane->buffer + lane->size - sizeof(last), &last, sizeof(last));
}

static void start_small(struct lane *lane, int is_write)
{
	unsigned slot = (unsigned)(lane - lanes);
	int flags = is_write ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY;
	struct io_uring_sqe *sqe = get_entry(lane, 0);
	io_uring_prep_openat_direct(sqe, AT_FDCWD, lane->path, flags, 0644, slot);
	mark(sqe, lane, 0);
	sqe->flags |= IOSQE_IO_LINK;
	sqe = get_entry(lane, 1);
	if (is_write)
		io_uring_prep_write(sqe, (int)slot, lane->buffer, lane->size, 0);
	else
		io_uring_prep_read(sqe, (int)slot, lane->buffer, 2 * PAGE, 0);
	mark(sqe, lane, 1);
	/* A read that is shorter than its buffer breaks a soft link, and the file would stay open. */
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_IO_HARDLINK;
	sqe = get_entry(lane, 0);
	io_uring_prep_close_direct(sqe, slot);
	mark(sqe, lane, 0);
}

static uint32_t place_of(const struct lane *lane)
{
	if (mode == WRITE)
		return (lane->round * depth + (uint32_t)(lane - lanes)) % count;
	return mode == READ ? mix((uint32_t)lane->index) % count : (uint32_t)(lane->index % count);
}

static void start(struct lane *lane)
{
	struct io_uring_sqe *sqe;
	lane->index = next_index++;
	lane->start_ns = lane->index % stride == 0 ? now_ns() : 0;
	lane->left = 0;
	lane->size = size;
	uint32_t index = (uint32_t)lane->index;
	uint64_t position = (uint64_t)place_of(lane) * size;
	switch (mode) {
	case READ:
	case SCAN:
		sqe = get_entry(lane, 1);
		io_uring_prep_read(sqe, file, lane->buffer, size, position);
		mark(sqe, lane, 1);
		break;
	case WRITE:
		stamp(lane, word_of(2 * index), word_of(2 * index + 1));
		sqe = get_entry(lane, 1);
		io_uring_prep_write(sqe, file, lane->buffer, size, position);
		mark(sqe, lane, 1);
		break;
	case LOG:
		stamp(lane, word_of(2 * index), word_of(2 * index + 1));
		sqe = get_entry(lane, 1);
		io_uring_prep_write(sqe, file, lane->buffer, size, lane->index * size);
		mark(sqe, lane, 1);
		sqe->flags |= IOSQE_IO_LINK;
		sqe = get_entry(lane, 0);
		io_uring_prep_fsync(sqe, file, IORING_FSYNC_DATASYNC);
		mark(sqe, lane, 0);
		break;
	case SMALL_READ:
	case SMALL_WRITE:
		snprintf(lane->path, sizeof(lane->path), "%s/%u", path, index % count);
		lane->size = small_size(index % count);
		if (mode == SMALL_WRITE)
			stamp(lane, word_of(2 * index), word_of(2 * index + 1));
		start_small(lane, mode == SMALL_WRITE);
		break;
	case STAT:
		snprintf(lane->path, sizeof(lane->path), "%s/%u", path, index % count);
		sqe = get_entry(lane, 1);
		io_uring_prep_statx(sqe, AT_FDCWD, lane->path, 0,
				    STATX_BASIC_STATS | STATX_BTIME, &lane->statx);
		mark(sqe, lane, 1);
		break;
	}
}

static uint32_t seen_in(const unsigned char *bytes, size_t length)
{
	uint32_t first, last;
	memcpy(&first, bytes, sizeof(first));
	memcpy(&last, bytes + length - sizeof(last), sizeof(last));
	return first + 3 * last;
}

static uint32_t look_at(uint64_t position)
{
	uint32_t ends[2] = {0, 0};
	if (pread(looker, &ends[0], 4, (off_t)position) != 4 ||
	    pread(looker, &ends[1], 4, (off_t)(position + size - 4)) != 4)
		fail("Cannot look at what was written: %s", strerror(errno));
	return ends[0] + 3 * ends[1];
}

static void finish(struct lane *lane)
{
	if (lane->result < 0)
		fail("An operation failed: %s", strerror(-lane->result));
	if (mode == STAT) {
		checksum += (uint32_t)lane->statx.stx_size;
	} else {
		if ((uint32_t)lane->result != lane->size)
			fail("%d bytes instead of %u", lane->result, lane->size);
		if (mode == READ || mode == SCAN || mode == SMALL_READ)
			checksum += seen_in(lane->buffer, lane->size);
		else if (mode == WRITE)
			checksum += look_at((uint64_t)place_of(lane) * size);
		lane->round++;
	}
	completions++;
	if (lane->start_ns != 0)
		record(&latencies, now_ns() - lane->start_ns);
}

/* One enter and everything that it brings. */
static void turn(void)
{
	int result = io_uring_submit_and_wait(&ring, 1);
	if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY)
		fail("Cannot submit: %s", strerror(-result));
	struct io_uring_cqe *cqe;
	unsigned head, seen = 0;
	io_uring_for_each_cqe(&ring, head, cqe) {
		struct lane *lane = &lanes[cqe->user_data >> 1];
		seen++;
		if (cqe->user_data & 1)
			lane->result = cqe->res;
		else if (cqe->res < 0)
			fail("A step failed: %s", strerror(-cqe->res));
		if (--lane->left > 0)
			continue;
		finish(lane);
		if (!is_stopping)
			start(lane);
	}
	io_uring_cq_advance(&ring, seen);
}

static void run_until(uint64_t deadline_ns)
{
	do {
		uint64_t enough = completions + stride;
		while (completions < enough)
			turn();
	} while (now_ns() < deadline_ns);
}

static void set_up(const char *name)
{
	static const char *const names[] = {"read", "scan", "write", "log", "small-read",
					    "small-write", "stat"};
	int is_direct = strcmp(name, "read-direct") == 0, is_known = is_direct;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && !is_known; i++) {
		mode = (enum mode)i;
		is_known = strcmp(name, names[i]) == 0;
	}
	if (!is_known)
		fail("Unknown mode \"%s\"", name);
	if (is_direct)
		mode = READ;
	make_ring(&ring, 4 * depth < 64 ? 64 : 4 * depth, 8 * depth < 128 ? 128 : 8 * depth, 0);
	size_t room = size < 2 * PAGE ? 2 * PAGE : size;
	for (unsigned i = 0; i < depth; i++)
		if (posix_memalign((void **)&lanes[i].buffer, PAGE, room) != 0)
			fail("Out of memory");
	if (mode == SMALL_READ || mode == SMALL_WRITE) {
		int fds[DEPTH_MAX];
		memset(fds, -1, sizeof(fds));
		int result = io_uring_register_files(&ring, fds, depth);
		if (result < 0)
			fail("Cannot register files: %s", strerror(-result));
	} else if (mode != STAT) {
		file = open(path, (mode == WRITE || mode == LOG ? O_RDWR | O_CREAT : O_RDONLY) |
			    (is_direct ? O_DIRECT : 0), 0644);
		looker = mode == WRITE ? open(path, O_RDONLY) : file;
		if (file < 0 || looker < 0)
			fail("Cannot open %s: %s", path, strerror(errno));
	}
}

int main(int argc, char **argv)
{
	if (argc < 9)
		fail("Usage: storage MODE PATH DEPTH SECONDS WARMUP SIZE COUNT STRIDE [--counted]");
	path = argv[2];
	depth = (uint32_t)atoi(argv[3]);
	double seconds = atof(argv[4]), warmup = atof(argv[5]);
	size = (uint32_t)atol(argv[6]);
	count = (uint32_t)atol(argv[7]);
	stride = (uint32_t)atol(argv[8]);
	if (depth < 1 || depth > DEPTH_MAX || seconds <= 0 || count < 1 || stride < 1)
		fail("Expected a depth of 1 to %d and positive sizes", DEPTH_MAX);
	set_up(argv[1]);
	if (argc > 9)
		wait_for_counter();
	for (unsigned i = 0; i < depth; i++)
		start(&lanes[i]);
	if (warmup > 0)
		run_until(now_ns() + (uint64_t)(warmup * 1e9));
	memset(&latencies, 0, sizeof(latencies));
	uint64_t completions_before = completions, start_ns = now_ns();
	double cpu_before = cpu_seconds();
	long switches_before = voluntary_switches();
	run_until(start_ns + (uint64_t)(seconds * 1e9));
	uint64_t operations = completions - completions_before;
	double elapsed = (double)(now_ns() - start_ns) / 1e9;
	double cpu = cpu_seconds() - cpu_before;
	printf("{\"operations\":%llu,\"seconds\":%.6f,\"cpuSeconds\":%.6f,",
	       (unsigned long long)operations, elapsed, cpu);
	print_latency(&latencies);
	print_own_usage(switches_before);
	is_stopping = 1;
	while (completions < next_index)
		turn();
	printf("\"completions\":%llu,\"checksum\":%u}\n", (unsigned long long)completions,
	       checksum);
	return 0;
}
