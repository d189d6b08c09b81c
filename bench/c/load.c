/*
 * load PORT CONNECTIONS MESSAGE_SIZE SECONDS [--warmup SECONDS] [--server-pid PID] [--spin]
 *
 * Load for an echo server on 127.0.0.1: every connection keeps exactly one message in flight.
 * Each message carries its connection and sequence number and is filled from them; what comes
 * back is compared whole, so lost, repeated, reordered and foreign bytes all count as
 * mismatches. Prints one JSON line.
 *
 * Plain epoll, one thread: it shares nothing with the servers it measures. With --server-pid
 * the CPU time of that process is read at both ends of the measured window, so that start-up
 * and warm-up are left out. With --spin it never sleeps, which takes its own wake-up out of the
 * latency. Closed loop: a stall of the server delays the next messages instead of queueing
 * them, so high percentiles are lower bounds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENT_BATCH 512
#define MESSAGE_SIZE_MIN 8
#define MESSAGE_SIZE_MAX (16 << 20)
/* How long answers may take to come in when no more messages are sent. */
#define DRAIN_SECONDS 2.0

/* Log-linear buckets: 128 per power of two, so a percentile is off by less than 0.8 %. */
#define SUB_BITS 7
#define BUCKET_COUNT ((64 - SUB_BITS) << SUB_BITS)

struct connection {
	int fd;
	uint32_t id;
	uint64_t sequence;    /* of the message in flight, from 1 */
	uint64_t start_ns;
	size_t sent, received;
	unsigned char *message;
	int is_in_flight;
};

struct figures {
	uint64_t messages, mismatches;
	uint64_t latency_max_ns;
	uint64_t buckets[BUCKET_COUNT];
};

static struct connection *connections;
static uint32_t connection_count;
static size_t message_size;
static unsigned char *arrived;
static int poller;
static struct figures figures;
static uint64_t in_flight;

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	if (clock_gettime(clock, &now) < 0)
		fail("The server has gone: %s", strerror(errno));
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static unsigned bucket_of(uint64_t value)
{
	if (value < 1u << SUB_BITS)
		return (unsigned)value;
	unsigned shift = 63u - (unsigned)__builtin_clzll(value) - SUB_BITS;
	return ((shift + 1) << SUB_BITS) + (unsigned)((value >> shift) & ((1u << SUB_BITS) - 1));
}

static double bucket_middle(unsigned bucket)
{
	if (bucket < 1u << SUB_BITS)
		return bucket;
	unsigned shift = (bucket >> SUB_BITS) - 1;
	uint64_t low = ((1ull << SUB_BITS) | (bucket & ((1u << SUB_BITS) - 1))) << shift;
	return (double)low + (double)(1ull << shift) / 2;
}

static double percentile_micros(double fraction)
{
	uint64_t rank = (uint64_t)(fraction * (double)figures.messages), seen = 0;
	for (unsigned bucket = 0; bucket < BUCKET_COUNT; bucket++) {
		seen += figures.buckets[bucket];
		if (seen > rank)
			return bucket_middle(bucket) / 1000;
	}
	return 0;
}

/* The first word is the connection and the sequence number; the rest is derived from it. */
static void fill(struct connection *connection)
{
	uint64_t word = (uint64_t)connection->id << 40 | connection->sequence;
	size_t offset = 0;
	for (; offset + sizeof(word) <= message_size; offset += sizeof(word)) {
		memcpy(connection->message + offset, &word, sizeof(word));
		word = word * 0x9e3779b97f4a7c15u + 0x632be59bd9b4e019u;
	}
	memcpy(connection->message + offset, &word, message_size - offset);
}

/* Sends what the socket takes; the edge-triggered poller reports when it takes more. */
static void send_rest(struct connection *connection)
{
	while (connection->sent < message_size) {
		ssize_t count = send(connection->fd, connection->message + connection->sent,
				     message_size - connection->sent, MSG_NOSIGNAL);
		if (count < 0) {
			if (errno == EAGAIN)
				return;
			fail("Cannot send on connection %u: %s", connection->id, strerror(errno));
		}
		connection->sent += (size_t)count;
	}
}

static void start_message(struct connection *connection, uint64_t now)
{
	connection->sequence++;
	connection->sent = connection->received = 0;
	connection->is_in_flight = 1;
	in_flight++;
	fill(connection);
	connection->start_ns = now;
	send_rest(connection);
}

/* Returns 1 when the message in flight has come back whole. */
static int receive(struct connection *connection)
{
	while (connection->received < message_size) {
		size_t wanted = message_size - connection->received;
		ssize_t count = recv(connection->fd, arrived, wanted, 0);
		if (count < 0) {
			if (errno == EAGAIN)
				return 0;
			fail("Cannot receive on connection %u: %s", connection->id,
			     strerror(errno));
		}
		if (count == 0)
			fail("The server closed connection %u", connection->id);
		if (connection->received + (size_t)count > connection->sent ||
		    memcmp(arrived, connection->message + connection->received, (size_t)count) != 0)
			figures.mismatches++;
		connection->received += (size_t)count;
		/* A short receive has emptied the socket: the next bytes are a new edge. */
		if ((size_t)count < wanted)
			return 0;
	}
	return 1;
}

static void finish_message(struct connection *connection, uint64_t now)
{
	uint64_t latency = now - connection->start_ns;
	figures.messages++;
	figures.buckets[bucket_of(latency)]++;
	if (latency > figures.latency_max_ns)
		figures.latency_max_ns = latency;
	connection->is_in_flight = 0;
	in_flight--;
}

/* Runs until the deadline; without `restarts`, until nothing is in flight any more. */
static void run_until(uint64_t deadline_ns, int restarts, int spins)
{
	struct epoll_event events[EVENT_BATCH];
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	while (now < deadline_ns && (restarts || in_flight > 0)) {
		int timeout_ms = spins ? 0 : (int)((deadline_ns - now) / 1000000) + 1;
		int count = epoll_wait(poller, events, EVENT_BATCH, timeout_ms);
		if (count < 0 && errno != EINTR)
			fail("Cannot wait: %s", strerror(errno));
		for (int i = 0; i < count; i++) {
			struct connection *connection = events[i].data.ptr;
			if (!connection->is_in_flight)
				continue;
			send_rest(connection);
			if (!receive(connection))
				continue;
			now = clock_ns(CLOCK_MONOTONIC);
			finish_message(connection, now);
			if (restarts)
				start_message(connection, now);
		}
		if (count <= 0)
			now = clock_ns(CLOCK_MONOTONIC);
	}
}

static void open_connections(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = {htonl(INADDR_LOOPBACK)},
	};
	int one = 1;
	for (uint32_t i = 0; i < connection_count; i++) {
		struct connection *connection = &connections[i];
		connection->id = i;
		connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connection->fd < 0 ||
		    connect(connection->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
		    fcntl(connection->fd, F_SETFL, O_NONBLOCK) < 0)
			fail("Cannot connect to port %d: %s", port, strerror(errno));
		connection->message = malloc(message_size);
		/* Spares the load the pacing timers of bbr; where it fails the default will do. */
		setsockopt(connection->fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
		struct epoll_event event = {EPOLLIN | EPOLLOUT | EPOLLET, {.ptr = connection}};
		if (connection->message == NULL ||
		    epoll_ctl(poller, EPOLL_CTL_ADD, connection->fd, &event) < 0)
			fail("Cannot prepare connection %u: %s", i, strerror(errno));
	}
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Bytes that nobody asked for are mismatches too. */
static void close_connections(void)
{
	for (uint32_t i = 0; i < connection_count; i++) {
		if (!connections[i].is_in_flight && recv(connections[i].fd, arrived, 1, 0) > 0)
			figures.mismatches++;
		close(connections[i].fd);
		free(connections[i].message);
	}
}

struct options {
	int port;
	double seconds, warmup;
	clockid_t server_clock;
	int has_server, spins;
};

static struct options parse_options(int argc, char **argv)
{
	struct options options = {.warmup = 0.5};
	if (argc < 5)
		fail("Usage: load PORT CONNECTIONS MESSAGE_SIZE SECONDS [--warmup SECONDS] "
		     "[--server-pid PID] [--spin]");
	options.port = atoi(argv[1]);
	long count = atol(argv[2]), size = atol(argv[3]);
	options.seconds = atof(argv[4]);
	for (int i = 5; i < argc; i++) {
		if (strcmp(argv[i], "--spin") == 0) {
			options.spins = 1;
		} else if (strcmp(argv[i], "--warmup") == 0 && i + 1 < argc) {
			options.warmup = atof(argv[++i]);
		} else if (strcmp(argv[i], "--server-pid") == 0 && i + 1 < argc) {
			int error = clock_getcpuclockid(atoi(argv[++i]), &options.server_clock);
			if (error != 0)
				fail("Cannot read the CPU clock of process %s: %s", argv[i],
				     strerror(error));
			options.has_server = 1;
		} else {
			fail("Unknown argument \"%s\"", argv[i]);
		}
	}
	if (options.port < 1 || options.port > 65535 || count < 1 || count > 1 << 20 ||
	    size < MESSAGE_SIZE_MIN || size > MESSAGE_SIZE_MAX || options.seconds <= 0 ||
	    options.warmup < 0)
		fail("Expected a port, 1 or more connections, messages of %d to %d bytes, and a "
		     "positive number of seconds", MESSAGE_SIZE_MIN, MESSAGE_SIZE_MAX);
	connection_count = (uint32_t)count;
	message_size = (size_t)size;
	return options;
}

int main(int argc, char **argv)
{
	struct options options = parse_options(argc, argv);
	raise_descriptor_limit();
	connections = calloc(connection_count, sizeof(*connections));
	arrived = malloc(message_size);
	uint64_t *sequences = calloc(connection_count, sizeof(*sequences));
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (connections == NULL || arrived == NULL || sequences == NULL || poller < 0)
		fail("Cannot set up: %s", strerror(errno));
	open_connections(options.port);
	for (uint32_t i = 0; i < connection_count; i++)
		start_message(&connections[i], clock_ns(CLOCK_MONOTONIC));
	run_until(clock_ns(CLOCK_MONOTONIC) + (uint64_t)(options.warmup * 1e9), 1, options.spins);

	uint64_t mismatches = figures.mismatches;
	memset(&figures, 0, sizeof(figures));
	for (uint32_t i = 0; i < connection_count; i++)
		sequences[i] = connections[i].sequence;
	uint64_t server_ns = options.has_server ? clock_ns(options.server_clock) : 0;
	uint64_t cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t start_ns = clock_ns(CLOCK_MONOTONIC);
	run_until(start_ns + (uint64_t)(options.seconds * 1e9), 1, options.spins);
	uint64_t elapsed_ns = clock_ns(CLOCK_MONOTONIC) - start_ns;
	cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
	if (options.has_server)
		server_ns = clock_ns(options.server_clock) - server_ns;

	uint32_t idle = 0;
	for (uint32_t i = 0; i < connection_count; i++)
		idle += connections[i].sequence == sequences[i];
	printf("{\"messages\":%llu,\"seconds\":%.6f,\"latencyMicros\":{\"p50\":%.2f,\"p90\":%.2f,"
	       "\"p99\":%.2f,\"max\":%.2f},\"cpuSeconds\":%.6f,",
	       (unsigned long long)figures.messages, (double)elapsed_ns / 1e9,
	       percentile_micros(0.5), percentile_micros(0.9), percentile_micros(0.99),
	       (double)figures.latency_max_ns / 1000, (double)cpu_ns / 1e9);
	if (options.has_server)
		printf("\"serverCpuSeconds\":%.6f,", (double)server_ns / 1e9);

	run_until(clock_ns(CLOCK_MONOTONIC) + (uint64_t)(DRAIN_SECONDS * 1e9), 0, options.spins);
	close_connections();
	printf("\"connections\":%u,\"idleConnections\":%u,\"lost\":%llu,\"mismatches\":%llu}\n",
	       connection_count, idle, (unsigned long long)in_flight,
	       (unsigned long long)(mismatches + figures.mismatches));
	free(connections);
	free(sequences);
	free(arrived);
	return 0;
}
