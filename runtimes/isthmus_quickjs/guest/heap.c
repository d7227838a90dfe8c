/* The allocator: size classes over one rising top.
 *
 * A world lives for one call, so nothing is ever given back to the system and neighbours are never joined; what is freed
 * waits in the list of its class.  In exchange the top says exactly how far a call has written, so that the host
 * restores and clears that much and no more.  Classes: multiples of 16 up to 512, then four to a doubling. */
#include "world.h"
#include <errno.h>
#include <string.h>

#define ALIGN 16u
#define SMALL 512u
#define PAGE 65536u
#define CLASSES 128
#define READ_SPACE 8u /* what is made of bytecode takes up to four times its size */

extern unsigned char __heap_base;

struct vitals vitals;
static uint32_t limit;   /* a byte up to which linear memory surely reaches */
static uint32_t ceiling; /* where something lies above the heap that it must not grow into; 0 for nothing */

struct block { uint32_t class_; uint32_t size; uint32_t unused[2]; }; /* before every allocation */
struct free_block { struct free_block *next; };
static struct free_block *lists[CLASSES];

static uint32_t class_of(uint32_t size, uint32_t *rounded) {
  if (size <= SMALL) {
    uint32_t n = size ? (size + ALIGN - 1) / ALIGN : 1;
    *rounded = n * ALIGN;
    return n - 1;
  }
  uint32_t log = 31 - (uint32_t)__builtin_clz(size - 1); /* 2^log < size <= 2^(log+1) */
  uint32_t step = 1u << (log - 2);
  uint32_t quarter = (size - 1 - (1u << log)) / step; /* 0..3 */
  *rounded = (1u << log) + (quarter + 1) * step;
  return SMALL / ALIGN + (log - 9) * 4 + quarter;
}

uint32_t heap_used(void) { return vitals.heap_top - (uint32_t)(uintptr_t)&__heap_base; }

static int reach(uint32_t top) {
  if (ceiling && top > ceiling) return 0;
  if (top <= limit) return 1;
  /* Memory may be larger than the heap knows (an earlier call, or something above it, has grown it), but no image is
   * larger than its heap: so no more of it is taken for granted than has been asked for. */
  size_t have = __builtin_wasm_memory_size(0), need = (top + (uint64_t)PAGE - 1) / PAGE;
  if (need > have && __builtin_wasm_memory_grow(0, need - have) == (size_t)-1) return 0;
  limit = (uint32_t)(need * PAGE);
  return 1;
}

/* Room that is no part of the heap, and of no image: far above the top, so that what is read from there can be made
 * below it meanwhile.  NULL where memory has no such room. */
uint8_t *heap_above(uint32_t length) {
  uint64_t end = ((uint64_t)vitals.heap_top + (uint64_t)length * READ_SPACE + READ_SPACE * PAGE) / PAGE * PAGE;
  if (end > 0xffff0000u || !reach((uint32_t)end)) return NULL;
  ceiling = (uint32_t)end - (length + ALIGN) / ALIGN * ALIGN;
  return (uint8_t *)(uintptr_t)ceiling;
}

/* Its end: nothing is left of it, and memory need not reach that far in a world that is made of this one. */
void heap_above_done(uint8_t *at, uint32_t length) {
  memset(at, 0, length);
  ceiling = 0;
  limit = (vitals.heap_top + PAGE - 1) / PAGE * PAGE;
}

void *heap_alloc(size_t wanted) {
  if (wanted > 0x7fffff00u) return NULL;
  uint32_t size, c = class_of((uint32_t)wanted, &size);
  struct free_block *f = lists[c];
  if (f) {
    lists[c] = f->next;
    return f;
  }
  if (!vitals.heap_top) vitals.heap_top = ((uint32_t)(uintptr_t)&__heap_base + ALIGN - 1) / ALIGN * ALIGN;
  uint64_t top = (uint64_t)vitals.heap_top + sizeof(struct block) + size;
  if (top > 0xffff0000u || !reach((uint32_t)top)) return NULL;
  struct block *b = (struct block *)(uintptr_t)vitals.heap_top;
  b->class_ = c;
  b->size = size;
  vitals.heap_top = (uint32_t)top;
  return b + 1;
}

void heap_free(void *at) {
  if (!at) return;
  struct block *b = (struct block *)at - 1;
  struct free_block *f = at;
  f->next = lists[b->class_];
  lists[b->class_] = f;
}

static void *heap_calloc(size_t count, size_t size) {
  uint64_t n = (uint64_t)count * size;
  if (n > 0x7fffff00u) return NULL;
  void *p = heap_alloc((size_t)n);
  if (p) memset(p, 0, (size_t)n);
  return p;
}

static void *heap_realloc(void *at, size_t wanted) {
  if (!at) return heap_alloc(wanted);
  struct block *b = (struct block *)at - 1;
  if (wanted <= b->size && wanted >= b->size / 2) return at;
  if (wanted > b->size && wanted <= 0x7fffff00u && (uint32_t)(uintptr_t)at + b->size == vitals.heap_top) {
    uint32_t size, c = class_of((uint32_t)wanted, &size); /* the last block grows where it is */
    uint64_t top = (uint64_t)(uintptr_t)at + size;
    if (top > 0xffff0000u || !reach((uint32_t)top)) return NULL;
    b->class_ = c;
    b->size = size;
    vitals.heap_top = (uint32_t)top;
    return at;
  }
  void *p = heap_alloc(wanted);
  if (!p) return NULL;
  memcpy(p, at, wanted < b->size ? wanted : b->size);
  heap_free(at);
  return p;
}

static size_t heap_size(const void *at) { return at ? ((const struct block *)at - 1)->size : 0; }

static void *js_heap_calloc(void *o, size_t c, size_t s) { (void)o; return heap_calloc(c, s); }
static void *js_heap_alloc(void *o, size_t s) { (void)o; return heap_alloc(s); }
static void js_heap_free(void *o, void *p) { (void)o; heap_free(p); }
static void *js_heap_realloc(void *o, void *p, size_t s) { (void)o; return heap_realloc(p, s); }
const JSMallocFunctions heap_functions = {js_heap_calloc, js_heap_alloc, js_heap_free, js_heap_realloc, heap_size};

/* The C library's own callers, few as they are, share it. */
void *malloc(size_t size) { return heap_alloc(size); }
void free(void *at) { heap_free(at); }
void *calloc(size_t count, size_t size) { return heap_calloc(count, size); }
void *realloc(void *at, size_t size) { return heap_realloc(at, size); }
