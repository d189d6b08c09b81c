/*
 * load-stream MODE PORT CONNECTIONS SECONDS [--warmup SECONDS] [--server-pid PID]
 *
 * Three one-sided loads for a server on 127.0.0.1. Prints one JSON line.
 *
 *   sink     CONNECTIONS that send as fast as the server takes it. Byte n of a connection is
 *            (n >> 8) & 255. At the end each sends FIN, and the server answers with 16 bytes: how
 *            many it got, and how many of those that it looked at were wrong (little endian).
 *   accept   CONNECTIONS at a time that connect, send 8 bytes, expect them back, and close.
 *   paused   CONNECTIONS that send until the server, which never reads, takes no more for 0.3 s:
 *            how many bytes did it take, and how much has its process grown since before
 *            the connections?
 */
#include "load.h"
#include <poll.h>

#define CHUNK_SIZE (256 << 10)
/* So many addresses of the loopback network share the ports of connections that were closed. */
#define SOURCE_COUNT 200
#define PAUSE_NS 300000000u

struct connection {
	int fd;
	uint64_t bytes, start_ns, bytes_before;
};

static struct connection *connections;
static uint32_t connection_count;
static unsigned char pattern[CHUNK_SIZE + 65536];
static int poller;
static struct histogram latencies;
static uint64_t operations, mismatches, lost;

static void watch(struct connection *connection, uint32_t events)
{
	struct epoll_event event = {events, {.ptr = connection}};
	if (epoll_ctl(poller, EPOLL_CTL_ADD, connection->fd, &event) < 0)
		fail("Cannot watch a connection: %s", strerror(errno));
}

/* The pattern repeats every 65,536 bytes. Returns 0 when the socket is full. */
static int send_chunk(struct connection *connection)
{
	ssize_t count = send(connection->fd, pattern + connection->bytes % 65536, CHUNK_SIZE,
			     MSG_NOSIGNAL);
	if (count < 0 && errno == EAGAIN)
		return 0;
	if (count < 0)
		fail("Cannot send: %s", strerror(errno));
	connection->bytes += (uint64_t)count;
	return 1;
}

static void send_until(uint64_t deadline_ns)
{
	struct epoll_event events[EVENT_BATCH];
	for (uint64_t now = now_ns(); now < deadline_ns; now = now_ns()) {
		int count = epoll_wait(poller, events, EVENT_BATCH, 10);
		for (int i = 0; i < count; i++)
			send_chunk(events[i].data.ptr);
	}
}

static uint64_t sum_bytes(void)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < connection_count; i++)
		sum += connections[i].bytes;
	return sum;
}

/* Reads what the server says about a connection that has sent everything. */
static void check_totals(struct connection *connection)
{
	uint64_t totals[2];
	size_t received = 0;
	shutdown(connection->fd, SHUT_WR);
	while (received < sizeof(totals)) {
		struct pollfd ready = {.fd = connection->fd, .events = POLLIN};
		if (poll(&ready, 1, 10000) <= 0)
			break;
		ssize_t count = recv(connection->fd, (char *)totals + received,
				     sizeof(totals) - received, 0);
		if (count <= 0)
			break;
		received += (size_t)count;
	}
	if (received < sizeof(totals)) {
		mismatches++;
		return;
	}
	mismatches += totals[1];
	lost += totals[0] < connection->bytes ? connection->bytes - totals[0] : 0;
	mismatches += totals[0] > connection->bytes;
}

/* One after the other from addresses of their own, so that no port has to be waited for. */
static int connect_from(int port, uint64_t number)
{
	struct sockaddr_in address = loopback(port), source = loopback(0);
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(number % SOURCE_COUNT));
	if (fd >= 0)
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&source, sizeof(source)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		fail("Cannot connect to port %d: %s", port, strerror(errno));
	return fd;
}

static void begin_visit(struct connection *connection, int port, uint64_t number)
{
	connection->start_ns = now_ns();
	connection->bytes = number;
	connection->fd = connect_from(port, number);
	watch(connection, EPOLLIN);
	if (send(connection->fd, &number, sizeof(number), MSG_NOSIGNAL) != sizeof(number))
		fail("Cannot send: %s", strerror(errno));
}

static void visit_until(uint64_t deadline_ns, int port, uint64_t *next)
{
	struct epoll_event events[EVENT_BATCH];
	for (uint64_t now = now_ns(); now < deadline_ns; now = now_ns()) {
		int count = epoll_wait(poller, events, EVENT_BATCH, 10);
		for (int i = 0; i < count; i++) {
			struct connection *connection = events[i].data.ptr;
			uint64_t answer = 0;
			ssize_t size = recv(connection->fd, &answer, sizeof(answer), 0);
			if (size < 0 && errno == EAGAIN)
				continue;
			mismatches += size != sizeof(answer) || answer != connection->bytes;
			operations++;
			record(&latencies, now_ns() - connection->start_ns);
			close(connection->fd);
			begin_visit(connection, port, (*next)++);
		}
	}
}

static uint64_t resident_bytes(int pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return field_of(path, "VmRSS:") * 1024;
}

static void run_paused(int server_pid, uint64_t before)
{
	struct epoll_event events[EVENT_BATCH];
	uint64_t start_ns = now_ns();
	for (uint64_t last_ns = now_ns(); now_ns() - last_ns < PAUSE_NS;) {
		int count = epoll_wait(poller, events, EVENT_BATCH, 50);
		for (int i = 0; i < count; i++)
			if (send_chunk(events[i].data.ptr))
				last_ns = now_ns();
	}
	uint64_t after = resident_bytes(server_pid);
	printf("{\"operations\":%u,\"seconds\":%.6f,\"takenBytes\":%llu,\"grownBytes\":%llu,"
	       "\"lost\":0,\"mismatches\":0}\n", connection_count,
	       (double)(now_ns() - start_ns) / 1e9, (unsigned long long)sum_bytes(),
	       (unsigned long long)(after > before ? after - before : 0));
}

int main(int argc, char **argv)
{
	double warmup = 0.5;
	int server_pid = 0;
	if (argc < 5)
		fail("Usage: load-stream sink|accept|paused PORT CONNECTIONS SECONDS "
		     "[--warmup SECONDS] [--server-pid PID]");
	int port = atoi(argv[2]);
	connection_count = (uint32_t)atol(argv[3]);
	double seconds = atof(argv[4]);
	for (int i = 5; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--warmup") == 0)
			warmup = atof(argv[i + 1]);
		else if (strcmp(argv[i], "--server-pid") == 0)
			server_pid = atoi(argv[i + 1]);
		else
			fail("Unknown argument \"%s\"", argv[i]);
	}
	raise_descriptor_limit();
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (unsigned char)(i >> 8);
	connections = calloc(connection_count, sizeof(*connections));
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (connections == NULL || poller < 0)
		fail("Cannot set up: %s", strerror(errno));
	int is_accept = strcmp(argv[1], "accept") == 0, is_sink = strcmp(argv[1], "sink") == 0;
	uint64_t next = 0, warm_ns = (uint64_t)(warmup * 1e9);
	uint64_t resident = resident_bytes(server_pid);
	for (uint32_t i = 0; i < connection_count; i++) {
		if (is_accept) {
			begin_visit(&connections[i], port, next++);
		} else {
			connections[i].fd = connect_to(port);
			watch(&connections[i], EPOLLOUT);
		}
	}
	if (!is_accept && !is_sink) {
		run_paused(server_pid, resident);
		return 0;
	}
	if (is_accept)
		visit_until(now_ns() + warm_ns, port, &next);
	else
		send_until(now_ns() + warm_ns);
	memset(&latencies, 0, sizeof(latencies));
	operations = 0;
	uint64_t bytes = sum_bytes(), end_ns;
	struct usage before = probe_process(server_pid);
	uint64_t cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID), start_ns = now_ns();
	end_ns = start_ns + (uint64_t)(seconds * 1e9);
	if (is_accept)
		visit_until(end_ns, port, &next);
	else
		send_until(end_ns);
	uint64_t elapsed_ns = now_ns() - start_ns;
	cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
	struct usage after = probe_process(server_pid);
	if (is_sink)
		operations = sum_bytes() - bytes;
	printf("{\"operations\":%llu,\"seconds\":%.6f,\"loadCpuSeconds\":%.6f,",
	       (unsigned long long)operations, (double)elapsed_ns / 1e9, (double)cpu_ns / 1e9);
	if (is_accept)
		print_latency(&latencies);
	print_usage(server_pid, before, after);
	for (uint32_t i = 0; is_sink && i < connection_count; i++)
		check_totals(&connections[i]);
	printf("\"lost\":%llu,\"mismatches\":%llu}\n", (unsigned long long)lost,
	       (unsigned long long)mismatches);
	return 0;
}
