/*
 * send-zc copy|zc SIZE SECONDS WARMUP [--counted]
 *
 * Sends SIZE bytes at a time over one TCP connection of loopback, by IORING_OP_SEND or by
 * IORING_OP_SEND_ZC, eight in flight. A thread of this process reads them and adds them up: the sum
 * of the bytes that arrived must be that of those that were sent. Its CPU time is in the figures,
 * the same for both. Over loopback a zero-copy send is copied after all, on arrival.
 */
#include "twin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IORING_CQE_F_NOTIF
#define IORING_CQE_F_NOTIF (1U << 3)
#endif
#define IN_FLIGHT 8

struct slot {
	unsigned char *bytes;
	uint32_t sent, is_lent;
};

static struct io_uring ring;
static struct slot slots[IN_FLIGHT];
static uint32_t size;
static int is_zc, is_stopping, sender;
static uint64_t completions, started, received_bytes, received_wrong;

static void *read_everything(void *argument)
{
	int fd = *(int *)argument;
	static unsigned char bytes[1 << 18];
	for (ssize_t count; (count = recv(fd, bytes, sizeof(bytes), 0)) > 0;) {
		received_wrong += bytes[0] != 7;
		received_wrong += bytes[count - 1] != 7;
		received_bytes += (uint64_t)count;
	}
	return NULL;
}

static void queue_send(struct slot *slot)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	if (sqe == NULL)
		fail("The submission queue is full");
	/* All that was asked for, as one completion: order then follows from the links. */
	if (is_zc)
		io_uring_prep_send_zc(sqe, sender, slot->bytes, size, MSG_NOSIGNAL | MSG_WAITALL, 0);
	else
		io_uring_prep_send(sqe, sender, slot->bytes, size, MSG_NOSIGNAL | MSG_WAITALL);
	io_uring_sqe_set_data(sqe, slot);
	slot->is_lent = 1;
	started++;
}

/* A zero-copy send is over when its memory is back. */
static void finish(struct slot *slot)
{
	slot->is_lent = 0;
	if (slot->sent != size)
		fail("Sent %u of %u bytes", slot->sent, size);
	completions++;
	if (!is_stopping)
		queue_send(slot);
}

static void turn(void)
{
	int result = io_uring_submit_and_wait(&ring, 1);
	if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY)
		fail("Cannot submit: %s", strerror(-result));
	struct io_uring_cqe *cqe;
	unsigned head, seen = 0;
	io_uring_for_each_cqe(&ring, head, cqe) {
		struct slot *slot = io_uring_cqe_get_data(cqe);
		seen++;
		if (!(cqe->flags & IORING_CQE_F_NOTIF)) {
			if (cqe->res < 0)
				fail("Cannot send: %s", strerror(-cqe->res));
			slot->sent = (uint32_t)cqe->res;
		}
		if (!(cqe->flags & IORING_CQE_F_MORE))
			finish(slot);
	}
	io_uring_cq_advance(&ring, seen);
}

static void run_until(uint64_t deadline_ns)
{
	while (now_ns() < deadline_ns)
		turn();
}

static int connect_pair(int *accepted)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || fd < 0 ||
	    bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail("Cannot connect: %s", strerror(errno));
	*accepted = accept(listener, NULL, NULL);
	close(listener);
	return fd;
}

int main(int argc, char **argv)
{
	if (argc < 5)
		fail("Usage: send-zc copy|zc SIZE SECONDS WARMUP [--counted]");
	is_zc = strcmp(argv[1], "zc") == 0;
	size = (uint32_t)atol(argv[2]);
	double seconds = atof(argv[3]), warmup = atof(argv[4]);
	int reader;
	pthread_t thread;
	sender = connect_pair(&reader);
	make_ring(&ring, 64, 256, 0);
	for (int i = 0; i < IN_FLIGHT; i++) {
		if (posix_memalign((void **)&slots[i].bytes, 4096, size) != 0)
			fail("Out of memory");
		memset(slots[i].bytes, 7, size);
	}
	if (argc > 5)
		wait_for_counter();
	pthread_create(&thread, NULL, read_everything, &reader);
	for (int i = 0; i < IN_FLIGHT; i++)
		queue_send(&slots[i]);
	run_until(now_ns() + (uint64_t)(warmup * 1e9));
	uint64_t before = completions, start_ns = now_ns();
	double cpu_before = cpu_seconds();
	long switches_before = voluntary_switches();
	run_until(start_ns + (uint64_t)(seconds * 1e9));
	printf("{\"operations\":%llu,\"seconds\":%.6f,\"cpuSeconds\":%.6f,",
	       (unsigned long long)(completions - before), (double)(now_ns() - start_ns) / 1e9,
	       cpu_seconds() - cpu_before);
	print_own_usage(switches_before);
	is_stopping = 1;
	while (completions < started)
		turn();
	shutdown(sender, SHUT_WR);
	pthread_join(thread, NULL);
	printf("\"completions\":%llu,\"checksum\":%llu}\n", (unsigned long long)completions,
	       (unsigned long long)(received_wrong > 0 ? 0 : received_bytes / size));
	return 0;
}
