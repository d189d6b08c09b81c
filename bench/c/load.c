/*
 * load PORT CONNECTIONS MESSAGE_SIZE SECONDS [--warmup SECONDS] [--server-pid PID] [--spin]
 *      [--rate MESSAGES_PER_SECOND]
 *
 * Load for an echo server on 127.0.0.1. Each message carries its connection and sequence number
 * and is filled from them; what comes back is compared whole, so lost, repeated, reordered and
 * foreign bytes all count as mismatches. Prints one JSON line.
 *
 * Without --rate a closed loop: every connection keeps exactly one message in flight, and a stall
 * of the server delays the next messages instead of queueing them, so high percentiles are lower
 * bounds. With --rate messages are due at fixed times, in turn over the connections, and latency
 * counts from the time a message was due, sent late or not: no omission is coordinated. With
 * --spin or --rate it never sleeps, which takes its own wake-up out of the latency.
 */
#include "load.h"

#define MESSAGE_SIZE_MIN 8
#define MESSAGE_SIZE_MAX (16 << 20)
/* How long answers may take to come in when no more messages are sent. */
#define DRAIN_SECONDS 2.0

struct connection {
	int fd;
	uint32_t id;
	uint64_t sequence;    /* of the message in flight, from 1 */
	uint64_t start_ns;    /* when it was sent, or due */
	size_t sent, received;
	unsigned char *message;
	int is_in_flight;
};

/* When messages are due: the one with number n at start_ns + n * interval_ns. */
struct schedule {
	uint64_t start_ns;
	double interval_ns;   /* 0 in a closed loop */
	uint64_t next;        /* number of the first message that was not looked at */
};

static struct connection *connections;
static uint32_t connection_count;
static size_t message_size;
static unsigned char *arrived;
static int poller;
static struct histogram latencies;
static uint64_t messages, mismatches;
static uint64_t in_flight;
static struct schedule schedule;
/* Per connection, the number of the message that it owes next, with a rate. */
static uint64_t *owed;

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
			mismatches++;
		connection->received += (size_t)count;
		/* A short receive has emptied the socket: the next bytes are a new edge. */
		if ((size_t)count < wanted)
			return 0;
	}
	return 1;
}

static void finish_message(struct connection *connection, uint64_t now)
{
	messages++;
	record(&latencies, now > connection->start_ns ? now - connection->start_ns : 0);
	connection->is_in_flight = 0;
	in_flight--;
}

static uint64_t due_ns(uint64_t number)
{
	return schedule.start_ns + (uint64_t)((double)number * schedule.interval_ns);
}

/* Sends what a connection owes; latency counts from the time when it was due. */
static void start_owed(struct connection *connection, uint64_t now)
{
	uint64_t due = due_ns(owed[connection->id]);
	if (connection->is_in_flight || due > now)
		return;
	owed[connection->id] += connection_count;
	start_message(connection, due);
}

static void start_all_due(uint64_t now)
{
	while (due_ns(schedule.next) <= now) {
		start_owed(&connections[schedule.next % connection_count], now);
		schedule.next++;
	}
}

static void restart(struct connection *connection, uint64_t now)
{
	if (schedule.interval_ns > 0)
		start_owed(connection, now);
	else
		start_message(connection, now);
}

/* Runs until the deadline; without `restarts`, until nothing is in flight any more. */
static void run_until(uint64_t deadline_ns, int restarts, int spins)
{
	struct epoll_event events[EVENT_BATCH];
	uint64_t now = now_ns();
	while (now < deadline_ns && (restarts || in_flight > 0)) {
		if (restarts && schedule.interval_ns > 0)
			start_all_due(now);
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
			now = now_ns();
			finish_message(connection, now);
			if (restarts)
				restart(connection, now);
		}
		if (count <= 0 || schedule.interval_ns > 0)
			now = now_ns();
	}
}

static void open_connections(int port)
{
	for (uint32_t i = 0; i < connection_count; i++) {
		struct connection *connection = &connections[i];
		connection->id = i;
		connection->fd = connect_to(port);
		connection->message = malloc(message_size);
		owed[i] = i;
		struct epoll_event event = {EPOLLIN | EPOLLOUT | EPOLLET, {.ptr = connection}};
		if (connection->message == NULL ||
		    epoll_ctl(poller, EPOLL_CTL_ADD, connection->fd, &event) < 0)
			fail("Cannot prepare connection %u: %s", i, strerror(errno));
	}
}

/* Bytes that nobody asked for are mismatches too. */
static void close_connections(void)
{
	for (uint32_t i = 0; i < connection_count; i++) {
		if (!connections[i].is_in_flight && recv(connections[i].fd, arrived, 1, 0) > 0)
			mismatches++;
		close(connections[i].fd);
		free(connections[i].message);
	}
}

struct options {
	int port, server_pid, spins;
	double seconds, warmup, rate;
};

static struct options parse_options(int argc, char **argv)
{
	struct options options = {.warmup = 0.5};
	if (argc < 5)
		fail("Usage: load PORT CONNECTIONS MESSAGE_SIZE SECONDS [--warmup SECONDS] "
		     "[--server-pid PID] [--spin] [--rate MESSAGES_PER_SECOND]");
	options.port = atoi(argv[1]);
	long count = atol(argv[2]), size = atol(argv[3]);
	options.seconds = atof(argv[4]);
	for (int i = 5; i < argc; i++) {
		if (strcmp(argv[i], "--spin") == 0)
			options.spins = 1;
		else if (strcmp(argv[i], "--warmup") == 0 && i + 1 < argc)
			options.warmup = atof(argv[++i]);
		else if (strcmp(argv[i], "--server-pid") == 0 && i + 1 < argc)
			options.server_pid = atoi(argv[++i]);
		else if (strcmp(argv[i], "--rate") == 0 && i + 1 < argc)
			options.rate = atof(argv[++i]);
		else
			fail("Unknown argument \"%s\"", argv[i]);
	}
	if (options.port < 1 || options.port > 65535 || count < 1 || count > 1 << 20 ||
	    size < MESSAGE_SIZE_MIN || size > MESSAGE_SIZE_MAX || options.seconds <= 0 ||
	    options.warmup < 0 || options.rate < 0)
		fail("Expected a port, 1 or more connections, messages of %d to %d bytes, and a "
		     "positive number of seconds", MESSAGE_SIZE_MIN, MESSAGE_SIZE_MAX);
	connection_count = (uint32_t)count;
	message_size = (size_t)size;
	return options;
}

static void start_load(const struct options *options)
{
	schedule.start_ns = now_ns();
	if (options->rate > 0) {
		schedule.interval_ns = 1e9 / options->rate;
		return;
	}
	for (uint32_t i = 0; i < connection_count; i++)
		start_message(&connections[i], now_ns());
}

int main(int argc, char **argv)
{
	struct options options = parse_options(argc, argv);
	int spins = options.spins || options.rate > 0;
	raise_descriptor_limit();
	connections = calloc(connection_count, sizeof(*connections));
	arrived = malloc(message_size);
	owed = calloc(connection_count, sizeof(*owed));
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (connections == NULL || arrived == NULL || owed == NULL || poller < 0)
		fail("Cannot set up: %s", strerror(errno));
	open_connections(options.port);
	start_load(&options);
	run_until(now_ns() + (uint64_t)(options.warmup * 1e9), 1, spins);

	memset(&latencies, 0, sizeof(latencies));
	messages = 0;
	struct usage before = probe_process(options.server_pid);
	uint64_t cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t start_ns = now_ns();
	run_until(start_ns + (uint64_t)(options.seconds * 1e9), 1, spins);
	uint64_t elapsed_ns = now_ns() - start_ns;
	cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
	struct usage after = probe_process(options.server_pid);

	printf("{\"operations\":%llu,\"seconds\":%.6f,\"loadCpuSeconds\":%.6f,",
	       (unsigned long long)messages, (double)elapsed_ns / 1e9, (double)cpu_ns / 1e9);
	print_latency(&latencies);
	print_usage(options.server_pid, before, after);

	run_until(now_ns() + (uint64_t)(DRAIN_SECONDS * 1e9), 0, spins);
	close_connections();
	printf("\"connections\":%u,\"lost\":%llu,\"mismatches\":%llu}\n", connection_count,
	       (unsigned long long)in_flight, (unsigned long long)mismatches);
	free(connections);
	free(owed);
	free(arrived);
	return 0;
}
