/* Time and chance, both from the host, so that a call can be run again exactly.
 *
 * The clock stands still while code runs but for a microsecond each time it is read: two reads differ, a loop that waits
 * for a time ends, and the same call reads the same times.  Randomness is ChaCha20 (RFC 8439) keyed with the call's seed. */
#include "world.h"
#include <string.h>
#include <sys/time.h>
#include <time.h>

static int64_t clock_us;
static uint32_t key[8], counter;
static uint8_t pool[64];
static uint32_t pool_used = 64;

static uint32_t rotate(uint32_t x, int n) { return (x << n) | (x >> (32 - n)); }
#define QUARTER(a, b, c, d) \
  a += b; d = rotate(d ^ a, 16); c += d; b = rotate(b ^ c, 12); a += b; d = rotate(d ^ a, 8); c += d; b = rotate(b ^ c, 7);

static void refill(void) {
  const uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, key[0], key[1], key[2], key[3],
                              key[4], key[5], key[6], key[7], counter++, 0, 0, 0};
  uint32_t x[16];
  memcpy(x, start, sizeof x);
  for (int i = 0; i < 10; i++) {
    QUARTER(x[0], x[4], x[8], x[12]) QUARTER(x[1], x[5], x[9], x[13])
    QUARTER(x[2], x[6], x[10], x[14]) QUARTER(x[3], x[7], x[11], x[15])
    QUARTER(x[0], x[5], x[10], x[15]) QUARTER(x[1], x[6], x[11], x[12])
    QUARTER(x[2], x[7], x[8], x[13]) QUARTER(x[3], x[4], x[9], x[14])
  }
  for (int i = 0; i < 16; i++) x[i] += start[i];
  memcpy(pool, x, sizeof pool);
  pool_used = 0;
}

void chance_start(int64_t now_us, const uint8_t seed[32]) {
  clock_us = now_us;
  memcpy(key, seed, sizeof key);
  counter = 0;
  pool_used = sizeof pool;
}

void chance_resume(int64_t now_us) {
  if (now_us > clock_us) clock_us = now_us;
}

int64_t chance_now_us(void) { return clock_us++; }

void chance_fill(uint8_t *at, size_t length) {
  while (length) {
    if (pool_used == sizeof pool) refill();
    size_t n = sizeof pool - pool_used;
    if (n > length) n = length;
    memcpy(at, pool + pool_used, n);
    pool_used += n, at += n, length -= n;
  }
}

double chance_unit(void) { /* 53 bits in [0, 1) */
  uint64_t bits;
  chance_fill((uint8_t *)&bits, sizeof bits);
  return (double)(bits >> 11) * 0x1p-53;
}

/* What QuickJS asks of the C library. */
int gettimeofday(struct timeval *restrict tv, void *restrict zone) {
  (void)zone;
  int64_t now = chance_now_us();
  tv->tv_sec = now / 1000000;
  tv->tv_usec = (suseconds_t)(now % 1000000);
  return 0;
}

int clock_gettime(clockid_t id, struct timespec *ts) {
  (void)id;
  int64_t now = chance_now_us();
  ts->tv_sec = now / 1000000;
  ts->tv_nsec = (long)(now % 1000000) * 1000;
  return 0;
}
