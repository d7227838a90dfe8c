/* Console output: records {u32 level, u32 length, i64 microseconds, bytes} in a buffer of fixed size. */
#include "world.h"
#include <string.h>

struct record { uint32_t level, length; int64_t at; };
static uint32_t capacity, kept, cap; /* bytes of the buffer; text bytes kept; text bytes allowed */

void log_open(uint32_t allowed) {
  cap = allowed;
  capacity = allowed + allowed / 2 + 1024; /* room for headers; many empty lines run out of it sooner */
  vitals.log_at = (uint32_t)(uintptr_t)heap_alloc(capacity);
  if (!vitals.log_at) __builtin_trap();
  log_clear();
}

void log_clear(void) { vitals.log_length = vitals.log_total = vitals.log_lines = kept = 0; }

void log_taken(void) { vitals.log_length = 0; } /* the host has read it; what is allowed is not given anew */

void log_write(uint32_t level, const char *text, size_t length) {
  vitals.log_total += (uint32_t)length;
  size_t room = cap - kept, space = capacity - vitals.log_length;
  if (!room || space < sizeof(struct record) + 1) {
    vitals.log_lines++;
    return;
  }
  size_t n = length < room ? length : room;
  if (n > space - sizeof(struct record)) n = space - sizeof(struct record);
  while (n < length && n && ((unsigned char)text[n] & 0xc0) == 0x80) n--; /* no half characters */
  struct record head = {level, (uint32_t)n, chance_now_us()};
  char *at = (char *)(uintptr_t)(vitals.log_at + vitals.log_length);
  memcpy(at, &head, sizeof head);
  memcpy(at + sizeof head, text, n);
  vitals.log_length += sizeof head + n;
  kept += n;
  if (n < length) kept = cap;
}
