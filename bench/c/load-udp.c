/*
 * load-udp PORT WINDOW SIZE SECONDS [--warmup SECONDS] [--server-pid PID]
 *
 * Load for a UDP echo server on 127.0.0.1: SOCKETS sockets, WINDOW datagrams in flight in all. Each
 * carries its number and is filled from it; what comes back must be one of those that are out.
 * A socket that hears nothing for a second counts what it has out as lost and starts again; what
 * comes later is dropped. Over loopback a server that keeps up loses none. Prints one JSON line.
 */
#include "load.h"

#define SOCKETS 16
#define SIZE_MAX_BYTES 1472
#define PATIENCE_NS 1000000000u

struct flow {
	int fd;
	uint32_t first, next;   /* numbers of the oldest that is out, and of the next one */
	uint64_t sent_ns[1024], heard_ns;
};

static struct flow flows[SOCKETS];
static uint32_t window_size;
static size_t size;
static struct histogram latencies;
static uint64_t operations, mismatches, lost;

static void fill(unsigned char *datagram, uint32_t flow, uint32_t number)
{
	uint32_t word = flow << 28 ^ number * 2654435761u;
	memcpy(datagram, &number, sizeof(number));
	for (size_t at = sizeof(number); at < size; at++)
		datagram[at] = (unsigned char)(word >> (at % 4 * 8));
}

static void send_more(struct flow *flow)
{
	unsigned char datagram[SIZE_MAX_BYTES];
	while (flow->next - flow->first < window_size) {
		fill(datagram, (uint32_t)(flow - flows), flow->next);
		flow->sent_ns[flow->next % 1024] = now_ns();
		if (send(flow->fd, datagram, size, 0) < 0) {
			if (errno == EAGAIN || errno == ENOBUFS)
				return;
			fail("Cannot send: %s", strerror(errno));
		}
		flow->next++;
	}
}

static void receive(struct flow *flow)
{
	unsigned char arrived[SIZE_MAX_BYTES + 1], expected[SIZE_MAX_BYTES];
	ssize_t count;
	while ((count = recv(flow->fd, arrived, sizeof(arrived), MSG_DONTWAIT)) >= 0) {
		uint32_t number = 0;
		memcpy(&number, arrived, sizeof(number));
		fill(expected, (uint32_t)(flow - flows), number);
		uint64_t now = now_ns();
		flow->heard_ns = now;
		if ((size_t)count != size || memcmp(arrived, expected, size) != 0) {
			mismatches++;
			continue;
		}
		if (number - flow->first >= flow->next - flow->first)
			continue;
		/* What was sent before one that is back, and is not, will not come: UDP over loopback
		 * keeps the order. */
		lost += number - flow->first;
		flow->first = number + 1;
		operations++;
		record(&latencies, now - flow->sent_ns[number % 1024]);
	}
}

static void run_until(uint64_t deadline_ns, int poller)
{
	struct epoll_event events[SOCKETS];
	for (uint64_t now = now_ns(); now < deadline_ns; now = now_ns()) {
		int count = epoll_wait(poller, events, SOCKETS, 10);
		for (int i = 0; i < count; i++) {
			receive(events[i].data.ptr);
			send_more(events[i].data.ptr);
		}
		for (int i = 0; i < SOCKETS && count <= 0; i++) {
			if (now < flows[i].heard_ns + PATIENCE_NS)
				continue;
			lost += flows[i].next - flows[i].first;
			flows[i].first = flows[i].next;
			flows[i].heard_ns = now;
			send_more(&flows[i]);
		}
	}
}

int main(int argc, char **argv)
{
	double warmup = 0.5;
	int server_pid = 0;
	if (argc < 5)
		fail("Usage: load-udp PORT WINDOW SIZE SECONDS [--warmup SECONDS] [--server-pid PID]");
	struct sockaddr_in address = loopback(atoi(argv[1]));
	window_size = ((uint32_t)atol(argv[2]) + SOCKETS - 1) / SOCKETS;
	size = (size_t)atol(argv[3]);
	double seconds = atof(argv[4]);
	for (int i = 5; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--warmup") == 0)
			warmup = atof(argv[i + 1]);
		else if (strcmp(argv[i], "--server-pid") == 0)
			server_pid = atoi(argv[i + 1]);
		else
			fail("Unknown argument \"%s\"", argv[i]);
	}
	if (size < 8 || size > SIZE_MAX_BYTES || window_size < 1 || window_size > 1024)
		fail("Expected datagrams of 8 to %d bytes", SIZE_MAX_BYTES);
	int poller = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < SOCKETS; i++) {
		flows[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		struct epoll_event event = {EPOLLIN, {.ptr = &flows[i]}};
		if (flows[i].fd < 0 ||
		    connect(flows[i].fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		    epoll_ctl(poller, EPOLL_CTL_ADD, flows[i].fd, &event) < 0)
			fail("Cannot make a socket: %s", strerror(errno));
		flows[i].heard_ns = now_ns();
		send_more(&flows[i]);
	}
	run_until(now_ns() + (uint64_t)(warmup * 1e9), poller);
	memset(&latencies, 0, sizeof(latencies));
	operations = lost = 0;
	struct usage before = probe_process(server_pid);
	uint64_t cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID), start_ns = now_ns();
	run_until(start_ns + (uint64_t)(seconds * 1e9), poller);
	uint64_t elapsed_ns = now_ns() - start_ns;
	cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
	struct usage after = probe_process(server_pid);
	printf("{\"operations\":%llu,\"seconds\":%.6f,\"loadCpuSeconds\":%.6f,",
	       (unsigned long long)operations, (double)elapsed_ns / 1e9, (double)cpu_ns / 1e9);
	print_latency(&latencies);
	print_usage(server_pid, before, after);
	printf("\"lost\":%llu,\"mismatches\":%llu}\n", (unsigned long long)lost,
	       (unsigned long long)mismatches);
	return 0;
}
