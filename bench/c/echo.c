/*
 * echo [--busy-wait-micros N]
 *
 * A TCP echo server on 127.0.0.1 and a free port: multishot accept, one multishot receive per
 * connection into a ring of provided buffers, and a send straight from the buffer that was
 * received into. One enter per turn submits everything and waits. Prints {"port":N} first and
 * its figures when SIGTERM comes.
 *
 *   received buffer -> queue of its connection -> one send in flight -> back into the ring
 *
 * One send at a time keeps the bytes of a connection in order when a send has to wait for the
 * peer. A connection is closed when neither its receive nor a send is in flight, so no
 * completion is ever stale.
 */
#include "twin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Small queues stay in the first-level cache; a full one only costs one more enter. */
#define SUBMISSION_ENTRIES 512
#define COMPLETION_ENTRIES 4096
#define BUFFER_COUNT 1024
#define BUFFER_SIZE 16384
/* Buffers that start whole pages apart would all compete for the same cache sets. */
#define BUFFER_STRIDE (BUFFER_SIZE + 64)
#define BUFFER_GROUP 0
#define CONNECTION_LIMIT 65536
#define NONE (-1)

enum operation { ACCEPT = 1, RECEIVE, SEND, STOP };

struct connection {
	int first, last;      /* received buffers that wait to be sent, linked by next_buffer */
	int offset;           /* bytes of the first one that were sent already */
	int next_starved;
	uint8_t is_sending, is_receiving, is_closing, is_open;
};

static struct io_uring ring;
static struct io_uring_buf_ring *buffer_ring;
static unsigned char *buffers;
static int next_buffer[BUFFER_COUNT], buffer_length[BUFFER_COUNT];
static int returned_buffers; /* in the ring already, not yet visible to the kernel */
static int lent_buffers;     /* received into and not yet returned */
static struct connection connections[CONNECTION_LIMIT];
/* Connections whose receive found no buffer, oldest first. */
static int first_starved = NONE, last_starved = NONE;
static int listener;
static uint64_t operations, bytes, connections_total, enters;

static struct io_uring_sqe *get_entry(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	if (sqe == NULL) {
		enters++;
		io_uring_submit(&ring);
		sqe = io_uring_get_sqe(&ring);
		if (sqe == NULL)
			fail("The submission queue stays full");
	}
	return sqe;
}

static void mark(struct io_uring_sqe *sqe, enum operation operation, int fd)
{
	io_uring_sqe_set_data64(sqe, (uint64_t)operation << 32 | (uint32_t)fd);
}

static void arm_accept(void)
{
	struct io_uring_sqe *sqe = get_entry();
	io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
	mark(sqe, ACCEPT, listener);
}

static void arm_receive(int fd)
{
	struct io_uring_sqe *sqe = get_entry();
	io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = BUFFER_GROUP;
	mark(sqe, RECEIVE, fd);
	connections[fd].is_receiving = 1;
}

static void return_buffer(int buffer)
{
	lent_buffers--;
	io_uring_buf_ring_add(buffer_ring, buffers + (size_t)buffer * BUFFER_STRIDE, BUFFER_SIZE,
			      (unsigned short)buffer, io_uring_buf_ring_mask(BUFFER_COUNT),
			      returned_buffers++);
}

static void send_first(int fd)
{
	struct connection *connection = &connections[fd];
	int buffer = connection->first;
	struct io_uring_sqe *sqe = get_entry();
	io_uring_prep_send(sqe, fd,
			   buffers + (size_t)buffer * BUFFER_STRIDE + connection->offset,
			   (size_t)(buffer_length[buffer] - connection->offset), MSG_NOSIGNAL);
	mark(sqe, SEND, fd);
	connection->is_sending = 1;
}

static void close_when_idle(int fd)
{
	struct connection *connection = &connections[fd];
	if (!connection->is_closing || connection->is_sending || connection->is_receiving)
		return;
	connection->is_open = 0;
	close(fd);
}

static void on_accept(const struct io_uring_cqe *cqe)
{
	if (!(cqe->flags & IORING_CQE_F_MORE))
		arm_accept();
	int fd = cqe->res;
	if (fd < 0) {
		fprintf(stderr, "Cannot accept: %s\n", strerror(-fd));
		return;
	}
	if (fd >= CONNECTION_LIMIT) {
		close(fd);
		return;
	}
	connections[fd] = (struct connection){.first = NONE, .last = NONE, .is_open = 1};
	connections_total++;
	arm_receive(fd);
}

static void on_receive(const struct io_uring_cqe *cqe, int fd)
{
	struct connection *connection = &connections[fd];
	int has_more = (cqe->flags & IORING_CQE_F_MORE) != 0;
	connection->is_receiving = (uint8_t)has_more;
	if (cqe->res > 0) {
		int buffer = (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
		lent_buffers++;
		operations++;
		bytes += (uint64_t)cqe->res;
		buffer_length[buffer] = cqe->res;
		next_buffer[buffer] = NONE;
		if (connection->is_closing) {
			return_buffer(buffer);
		} else if (connection->first == NONE) {
			connection->first = connection->last = buffer;
			connection->offset = 0;
			send_first(fd);
		} else {
			next_buffer[connection->last] = buffer;
			connection->last = buffer;
		}
		if (!has_more && !connection->is_closing)
			arm_receive(fd);
	} else if (cqe->res == -ENOBUFS && !connection->is_closing) {
		/* Arming again before a buffer came back would only spin. */
		connection->next_starved = NONE;
		connection->is_receiving = 1;
		if (first_starved == NONE)
			first_starved = fd;
		else
			connections[last_starved].next_starved = fd;
		last_starved = fd;
		return;
	} else {
		/* What was received before the end of file is still sent. */
		connection->is_closing = 1;
	}
	close_when_idle(fd);
}

static void on_send(const struct io_uring_cqe *cqe, int fd)
{
	struct connection *connection = &connections[fd];
	connection->is_sending = 0;
	if (cqe->res < 0) {
		connection->is_closing = 1;
		for (int buffer = connection->first; buffer != NONE; buffer = next_buffer[buffer])
			return_buffer(buffer);
		connection->first = connection->last = NONE;
		/* Ends the receive that is still armed. */
		if (connection->is_receiving)
			shutdown(fd, SHUT_RDWR);
		close_when_idle(fd);
		return;
	}
	int buffer = connection->first;
	connection->offset += cqe->res;
	if (connection->offset == buffer_length[buffer]) {
		connection->first = next_buffer[buffer];
		connection->offset = 0;
		return_buffer(buffer);
	}
	if (connection->first != NONE)
		send_first(fd);
	else
		close_when_idle(fd);
}

static int reap(void)
{
	struct io_uring_cqe *cqe;
	unsigned head, count = 0;
	int is_stopping = 0;
	io_uring_for_each_cqe(&ring, head, cqe) {
		int fd = (int)(uint32_t)cqe->user_data;
		count++;
		switch ((enum operation)(cqe->user_data >> 32)) {
		case ACCEPT: on_accept(cqe); break;
		case RECEIVE: on_receive(cqe, fd); break;
		case SEND: on_send(cqe, fd); break;
		case STOP: is_stopping = 1; break;
		}
	}
	io_uring_cq_advance(&ring, count);
	if (returned_buffers > 0) {
		io_uring_buf_ring_advance(buffer_ring, returned_buffers);
		returned_buffers = 0;
	}
	/* As many as there are buffers: the others would only come back with -ENOBUFS. */
	for (int free = BUFFER_COUNT - lent_buffers; first_starved != NONE && free > 0; free--) {
		int fd = first_starved;
		first_starved = connections[fd].next_starved;
		arm_receive(fd);
	}
	return is_stopping;
}

/* Submits, then watches the ring's shared memory; true when there is something to reap. */
static int spin(uint64_t limit_ns)
{
	enters++;
	io_uring_submit_and_get_events(&ring);
	uint64_t deadline_ns = now_ns() + limit_ns;
	do {
		for (int i = 0; i < 32; i++) {
			if (io_uring_cq_ready(&ring) > 0)
				return 1;
			if (IO_URING_READ_ONCE(*ring.sq.kflags) & IORING_SQ_TASKRUN) {
				enters++;
				io_uring_get_events(&ring);
				return 1;
			}
		}
	} while (now_ns() < deadline_ns);
	return 0;
}

static void make_buffers(void)
{
	size_t ring_size = BUFFER_COUNT * sizeof(struct io_uring_buf);
	int protection = PROT_READ | PROT_WRITE, flags = MAP_ANONYMOUS | MAP_PRIVATE;
	buffer_ring = mmap(NULL, ring_size, protection, flags, -1, 0);
	buffers = mmap(NULL, (size_t)BUFFER_COUNT * BUFFER_STRIDE, protection, flags, -1, 0);
	if (buffer_ring == MAP_FAILED || buffers == MAP_FAILED)
		fail("Cannot map buffers: %s", strerror(errno));
	struct io_uring_buf_reg registration = {
		.ring_addr = (uint64_t)(uintptr_t)buffer_ring,
		.ring_entries = BUFFER_COUNT,
		.bgid = BUFFER_GROUP,
	};
	int result = io_uring_register_buf_ring(&ring, &registration, 0);
	if (result < 0)
		fail("Cannot register a buffer ring: %s", strerror(-result));
	io_uring_buf_ring_init(buffer_ring);
	lent_buffers = BUFFER_COUNT;
	for (int buffer = 0; buffer < BUFFER_COUNT; buffer++)
		return_buffer(buffer);
	io_uring_buf_ring_advance(buffer_ring, returned_buffers);
	returned_buffers = 0;
}

static void make_listener(void)
{
	int one = 1;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(address);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* Accepted sockets inherit TCP_NODELAY from the listener. */
	if (listener < 0 || setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 4096) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		fail("Cannot listen: %s", strerror(errno));
	printf("{\"port\":%d}\n", ntohs(address.sin_port));
	fflush(stdout);
}

/* SIGTERM arrives as a completion, which cannot be lost between a check and a wait. */
static void watch_sigterm(void)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	int fd = signalfd(-1, &signals, SFD_CLOEXEC);
	struct io_uring_sqe *sqe = get_entry();
	io_uring_prep_poll_add(sqe, fd, POLLIN);
	mark(sqe, STOP, fd);
}

int main(int argc, char **argv)
{
	uint64_t busy_wait_ns = 0;
	if (argc == 3 && strcmp(argv[1], "--busy-wait-micros") == 0)
		busy_wait_ns = strtoull(argv[2], NULL, 10) * 1000;
	else if (argc != 1)
		fail("Usage: echo [--busy-wait-micros N]");

	make_ring(&ring, SUBMISSION_ENTRIES, COMPLETION_ENTRIES,
		  busy_wait_ns > 0 ? IORING_SETUP_TASKRUN_FLAG : 0);
	make_buffers();
	watch_sigterm();
	make_listener();
	arm_accept();

	do {
		if (busy_wait_ns > 0 && spin(busy_wait_ns))
			continue;
		enters++;
		int result = io_uring_submit_and_wait(&ring, 1);
		if (result < 0 && result != -EINTR && result != -EBUSY && result != -EAGAIN)
			fail("Cannot wait: %s", strerror(-result));
	} while (!reap());

	printf("{\"name\":\"echo-c\",\"operations\":%llu,\"bytes\":%llu,\"connections\":%llu,"
	       "\"enters\":%llu,\"cpuSeconds\":%.6f}\n",
	       (unsigned long long)operations, (unsigned long long)bytes,
	       (unsigned long long)connections_total, (unsigned long long)enters, cpu_seconds());
	return 0;
}
