/*
 * What all C programs here share: how to end, clocks, and a histogram of latencies.
 *
 * Log-linear buckets, as in HdrHistogram: memory of one size, whatever is recorded, and a
 * percentile that is off by less than 0.8 %. bench/histogram.ts is the same for JavaScript.
 */
#ifndef ONERING_BENCH_MEASURE_H
#define ONERING_BENCH_MEASURE_H

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* 128 buckets per power of two. */
#define SUB_BITS 7
#define BUCKET_COUNT ((64 - SUB_BITS) << SUB_BITS)

struct histogram {
	uint64_t count, max_ns;
	uint64_t buckets[BUCKET_COUNT];
};

__attribute__((noreturn, format(printf, 1, 2))) static inline void fail(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	if (clock_gettime(clock, &now) < 0)
		fail("The server has gone: %s", strerror(errno));
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* A number in a file like /proc/self/status; 0 if it cannot be had. */
static inline uint64_t field_of(const char *path, const char *name)
{
	char line[256];
	uint64_t value = 0;
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtoull(line + strlen(name), NULL, 10);
	fclose(file);
	return value;
}

static inline unsigned bucket_of(uint64_t value)
{
	if (value < 1u << SUB_BITS)
		return (unsigned)value;
	unsigned shift = 63u - (unsigned)__builtin_clzll(value) - SUB_BITS;
	return ((shift + 1) << SUB_BITS) + (unsigned)((value >> shift) & ((1u << SUB_BITS) - 1));
}

static inline double bucket_middle(unsigned bucket)
{
	if (bucket < 1u << SUB_BITS)
		return bucket;
	unsigned shift = (bucket >> SUB_BITS) - 1;
	uint64_t low = ((1ull << SUB_BITS) | (bucket & ((1u << SUB_BITS) - 1))) << shift;
	return (double)low + (double)(1ull << shift) / 2;
}

static inline void record(struct histogram *histogram, uint64_t value_ns)
{
	histogram->count++;
	histogram->buckets[bucket_of(value_ns)]++;
	if (value_ns > histogram->max_ns)
		histogram->max_ns = value_ns;
}

static inline double percentile_micros(const struct histogram *histogram, double fraction)
{
	uint64_t rank = (uint64_t)(fraction * (double)histogram->count), seen = 0;
	for (unsigned bucket = 0; bucket < BUCKET_COUNT; bucket++) {
		seen += histogram->buckets[bucket];
		if (seen > rank)
			return bucket_middle(bucket) / 1000;
	}
	return 0;
}

/* Prints "latencyMicros":{...} with a comma behind it. */
static inline void print_latency(const struct histogram *histogram)
{
	printf("\"latencyMicros\":{\"p50\":%.2f,\"p90\":%.2f,\"p99\":%.2f,\"p999\":%.2f,"
	       "\"max\":%.2f},",
	       percentile_micros(histogram, 0.5), percentile_micros(histogram, 0.9),
	       percentile_micros(histogram, 0.99), percentile_micros(histogram, 0.999),
	       (double)histogram->max_ns / 1000);
}

#endif
