/*
 * load-http PORT CONNECTIONS SECONDS PATH BODY [--warmup SECONDS] [--server-pid PID]
 *
 * Load for a small page of an HTTP/1.1 server on 127.0.0.1: kept-alive connections, one request
 * in flight on each, closed loop. Every answer must have status 200, a Content-Length and exactly
 * the body BODY; what differs counts as a mismatch. Prints one JSON line.
 */
#include "load.h"

#define RESPONSE_SIZE_MAX 8192

struct connection {
	int fd, is_in_flight;
	uint64_t start_ns;
	size_t received;
	char response[RESPONSE_SIZE_MAX + 1];
};

static struct connection *connections;
static uint32_t connection_count;
static const char *body;
static char request[1024];
static size_t request_size;
static struct histogram latencies;
static uint64_t answers, mismatches, in_flight;
static int poller;

static void ask(struct connection *connection, uint64_t now)
{
	connection->received = 0;
	connection->start_ns = now;
	connection->is_in_flight = 1;
	in_flight++;
	/* A request of a hundred bytes always fits into the empty buffer of a socket. */
	if (send(connection->fd, request, request_size, MSG_NOSIGNAL) != (ssize_t)request_size)
		fail("Cannot send a request: %s", strerror(errno));
}

/* Size of the whole answer, or 0 while its head is not there yet. */
static size_t expected_size(const struct connection *connection)
{
	const char *end = strstr(connection->response, "\r\n\r\n");
	if (end == NULL)
		return 0;
	const char *length = strcasestr(connection->response, "\r\ncontent-length:");
	if (length == NULL || length > end)
		fail("An answer has no Content-Length: %.200s", connection->response);
	return (size_t)(end + 4 - connection->response) +
	       strtoul(length + strlen("\r\ncontent-length:"), NULL, 10);
}

static int is_right(const struct connection *connection)
{
	const char *text = strstr(connection->response, "\r\n\r\n") + 4;
	return strncmp(connection->response, "HTTP/1.1 200 ", 13) == 0 && strcmp(text, body) == 0;
}

static void receive(struct connection *connection, int restarts)
{
	ssize_t count = recv(connection->fd, connection->response + connection->received,
			     RESPONSE_SIZE_MAX - connection->received, 0);
	if (count < 0 && errno == EAGAIN)
		return;
	if (count <= 0)
		fail("The server closed a connection");
	connection->received += (size_t)count;
	connection->response[connection->received] = '\0';
	size_t size = expected_size(connection);
	if (size == 0 || connection->received < size) {
		if (connection->received == RESPONSE_SIZE_MAX)
			fail("An answer is larger than %d bytes", RESPONSE_SIZE_MAX);
		return;
	}
	uint64_t now = now_ns();
	answers++;
	if (connection->received > size || !is_right(connection))
		mismatches++;
	record(&latencies, now - connection->start_ns);
	connection->is_in_flight = 0;
	in_flight--;
	if (restarts)
		ask(connection, now);
}

static void run_until(uint64_t deadline_ns, int restarts)
{
	struct epoll_event events[EVENT_BATCH];
	for (uint64_t now = now_ns(); now < deadline_ns && (restarts || in_flight > 0);
	     now = now_ns()) {
		int timeout_ms = (int)((deadline_ns - now) / 1000000) + 1;
		int count = epoll_wait(poller, events, EVENT_BATCH, timeout_ms);
		if (count < 0 && errno != EINTR)
			fail("Cannot wait: %s", strerror(errno));
		for (int i = 0; i < count; i++)
			receive(events[i].data.ptr, restarts);
	}
}

int main(int argc, char **argv)
{
	double warmup = 0.5;
	int server_pid = 0;
	if (argc < 6)
		fail("Usage: load-http PORT CONNECTIONS SECONDS PATH BODY [--warmup SECONDS] "
		     "[--server-pid PID]");
	int port = atoi(argv[1]);
	connection_count = (uint32_t)atol(argv[2]);
	double seconds = atof(argv[3]);
	body = argv[5];
	for (int i = 6; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--warmup") == 0)
			warmup = atof(argv[i + 1]);
		else if (strcmp(argv[i], "--server-pid") == 0)
			server_pid = atoi(argv[i + 1]);
		else
			fail("Unknown argument \"%s\"", argv[i]);
	}
	raise_descriptor_limit();
	request_size = (size_t)snprintf(request, sizeof(request),
					"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[4]);
	connections = calloc(connection_count, sizeof(*connections));
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (connections == NULL || poller < 0 || request_size >= sizeof(request))
		fail("Cannot set up: %s", strerror(errno));
	for (uint32_t i = 0; i < connection_count; i++) {
		connections[i].fd = connect_to(port);
		struct epoll_event event = {EPOLLIN, {.ptr = &connections[i]}};
		epoll_ctl(poller, EPOLL_CTL_ADD, connections[i].fd, &event);
		ask(&connections[i], now_ns());
	}
	run_until(now_ns() + (uint64_t)(warmup * 1e9), 1);

	memset(&latencies, 0, sizeof(latencies));
	answers = 0;
	struct usage before = probe_process(server_pid);
	uint64_t cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID), start_ns = now_ns();
	run_until(start_ns + (uint64_t)(seconds * 1e9), 1);
	uint64_t elapsed_ns = now_ns() - start_ns;
	cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
	struct usage after = probe_process(server_pid);

	printf("{\"operations\":%llu,\"seconds\":%.6f,\"loadCpuSeconds\":%.6f,",
	       (unsigned long long)answers, (double)elapsed_ns / 1e9, (double)cpu_ns / 1e9);
	print_latency(&latencies);
	print_usage(server_pid, before, after);
	run_until(now_ns() + 2000000000u, 0);
	printf("\"lost\":%llu,\"mismatches\":%llu}\n", (unsigned long long)in_flight,
	       (unsigned long long)mismatches);
	return 0;
}
