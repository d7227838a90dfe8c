/* What the parts of the guest share.  A *world* is this program's whole linear memory: the host copies it out once a
 * function is loaded (the image) and copies the image back before every call. */
#ifndef ISTHMUS_WORLD_H
#define ISTHMUS_WORLD_H

#include "quickjs.h"
#include <stddef.h>
#include <stdint.h>

#define IMPORT(name) __attribute__((import_module("host"), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

/* Read by the host straight from memory, after a trap too.  world.py knows the order. */
struct vitals {
  uint32_t heap_top;   /* first byte never handed out by the allocator */
  uint32_t stack_low;  /* where the lowest stack address that QuickJS's check has seen is kept */
  uint32_t log_at;     /* where console output is kept */
  uint32_t log_length; /* how much of it there is */
  uint32_t log_total;  /* how much there would be without the cap */
  uint32_t log_lines;  /* how many lines were left out */
};
extern struct vitals vitals;
extern uint32_t isthmus_stack_low; /* written by QuickJS's own stack check: see build.py */

/* heap.c */
extern const JSMallocFunctions heap_functions;
void *heap_alloc(size_t size);
void heap_free(void *at);
uint8_t *heap_above(uint32_t length);
void heap_above_done(uint8_t *at, uint32_t length);
uint32_t heap_used(void);

/* chance.c: the world's clock and its randomness, both given by the host at the start of a call */
void chance_start(int64_t now_us, const uint8_t seed[32]);
void chance_resume(int64_t now_us);
int64_t chance_now_us(void);
void chance_fill(uint8_t *at, size_t length);
double chance_unit(void);

/* log.c: console output, kept where the host finds it even when the call is killed */
void log_open(uint32_t cap);
void log_write(uint32_t level, const char *text, size_t length);
void log_clear(void);
void log_taken(void);

/* native.c: what the prelude is given */
#define ARGS JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv
JSValue native_object(JSContext *ctx);

/* module.c */
JSValue module_importer(ARGS);
JSValue module_evaluate(ARGS);
JSValue module_compile(ARGS);
JSValue module_load(ARGS);
JSValue bytecode_of(JSContext *ctx, JSValue code, int flags);
JSValue bytecode_read(JSContext *ctx, JSValueConst op);

/* guest.c: flags shared with the prelude through an Int32Array */
enum { FLAG_REPORT, FLAG_PENDING, FLAG_FETCHING, FLAG_COUNT };
extern int32_t flags[FLAG_COUNT];
void guest_bind(JSContext *ctx, JSValueConst hooks);

#endif
