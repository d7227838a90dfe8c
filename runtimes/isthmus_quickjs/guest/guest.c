/* The guest: the few exports through which a host drives one JavaScript world, one crossing per burst of work.
 *
 *   boot -> evaluate (the prelude, then the function's code) -> seal -> image taken by the host
 *   then for each call, in a world that holds the image:  invoke -> frame  [-> resume -> frame]*
 *
 * A frame is what one crossing says, in one piece: a header, then texts in the header's order.  world.py and frames.py
 * know the layouts. */
#include "world.h"
#include <string.h>

enum { RETURNED, THROWN, WAITING, STALLED };

struct frame {
  uint32_t status;
  uint32_t settled;       /* the handler has ended: value (or error) stands though fetches are still under way */
  uint32_t failed;        /* it has ended by throwing */
  uint32_t value_length;  /* JSON text of the returned value, or of {name, message, stack} */
  uint32_t note_length;   /* why the value could not be encoded */
  uint32_t report_length; /* JSON text of {ops, messages} */
  uint32_t heap_top;
  uint32_t log_total;     /* bytes of console output, without the cap */
};

struct record { /* what invoke is handed, followed by settings, NUL, argument, NUL */
  uint32_t handler;
  uint32_t settings_length;
  uint32_t argument_length;
  uint32_t unused;
  int64_t now_us;
  uint8_t seed[32];
};

#define HANDLERS 9
#define INPUT_FIRST 16384u

int32_t flags[FLAG_COUNT];
uint32_t isthmus_stack_low = UINT32_MAX;

static JSRuntime *rt;
static JSContext *ctx;
static JSValue handlers[HANDLERS], hook_settle, hook_drain, hook_describe, hook_adopt, hook_rejected;
static JSValue result; /* the promise, or the value, of the call under way */
static char *input_at, *frame_at;
static uint32_t input_capacity, frame_capacity, memory_limit;

EXPORT("vitals") struct vitals *get_vitals(void) { return &vitals; }

EXPORT("input") char *input(uint32_t length) {
  if (length + 1 > input_capacity) {
    heap_free(input_at);
    input_capacity = length + 1;
    input_at = heap_alloc(input_capacity);
    if (!input_at) {
      vitals.heap_top += length; /* so that the host sees what it was that did not fit */
      __builtin_trap();
    }
  }
  return input_at;
}

static JSValue hook(JSValueConst hooks, const char *name) { return JS_GetPropertyStr(ctx, hooks, name); }

void guest_bind(JSContext *c, JSValueConst hooks) {
  (void)c;
  hook_settle = hook(hooks, "settle");
  hook_drain = hook(hooks, "drain");
  hook_describe = hook(hooks, "describe");
  hook_adopt = hook(hooks, "adopt");
  hook_rejected = hook(hooks, "rejected");
}

static void on_rejection(JSContext *c, JSValueConst promise, JSValueConst reason, bool handled, void *opaque) {
  (void)opaque;
  if (!JS_IsFunction(c, hook_rejected)) return;
  JSValueConst arguments[3] = {promise, reason, handled ? JS_TRUE : JS_FALSE};
  JS_FreeValue(c, JS_Call(c, hook_rejected, JS_UNDEFINED, 3, arguments));
}

static JSValue random_unit(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
  (void)self, (void)argc, (void)argv;
  return JS_NewFloat64(c, chance_unit());
}

EXPORT("boot") void boot(uint32_t stack, uint32_t log_cap) {
  rt = JS_NewRuntime2(&heap_functions, NULL);
  JS_SetMaxStackSize(rt, stack);
  JS_SetHostPromiseRejectionTracker(rt, on_rejection, NULL);
  ctx = JS_NewContext(rt);
  JSValue global = JS_GetGlobalObject(ctx), math = JS_GetPropertyStr(ctx, global, "Math");
  JS_DefinePropertyValueStr(ctx, math, "random", JS_NewCFunction(ctx, random_unit, "random", 0),
                            JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE);
  JS_DefinePropertyValueStr(ctx, global, "__native", native_object(ctx), JS_PROP_CONFIGURABLE);
  JS_FreeValue(ctx, math);
  JS_FreeValue(ctx, global);
  vitals.stack_low = (uint32_t)(uintptr_t)&isthmus_stack_low;
  result = JS_UNDEFINED;
  for (int i = 0; i < HANDLERS; i++) handlers[i] = JS_UNDEFINED;
  hook_settle = hook_drain = hook_describe = hook_adopt = hook_rejected = JS_UNDEFINED;
  log_open(log_cap);
  input(INPUT_FIRST);
}

/* ---- frames ---- */

/* A lone surrogate is written by JSON.stringify as an escape that no JSON decoder but JavaScript's takes: U+FFFD. */
static void make_well_formed(char *at, size_t length) {
  char *end = at + length;
  while ((at = memchr(at, '\\', (size_t)(end - at)))) {
    if (end - at < 6 || at[1] != 'u' || (at[2] | 0x20) != 'd' || at[3] < '8') at += end - at < 2 ? 1 : 2;
    else if ((at[3] | 0x20) < 'c' && end - at >= 12 && at[6] == '\\' && at[7] == 'u' && (at[8] | 0x20) == 'd' &&
             (at[9] | 0x20) >= 'c') at += 12; /* a pair; QuickJS writes none, JSON.rawJSON may */
    else memcpy(at + 2, "fffd", 4), at += 6;
  }
}

/* A call whose words find no room has run out of memory; the host is told by a failure that is not described. */
static uint64_t starved(void) {
  static struct frame bare;
  bare = (struct frame){.status = THROWN, .settled = 1, .failed = 1};
  bare.heap_top = vitals.heap_top, bare.log_total = vitals.log_total;
  return ((uint64_t)sizeof bare << 32) | (uint32_t)(uintptr_t)&bare;
}

static uint64_t frame(struct frame *head, const char *value, const char *note, const char *report) {
  uint32_t length = sizeof *head + head->value_length + head->note_length + head->report_length;
  if (length > frame_capacity) {
    heap_free(frame_at);
    frame_at = heap_alloc(length);
    frame_capacity = frame_at ? length : 0;
    if (!frame_at) return starved();
  }
  head->heap_top = vitals.heap_top;
  head->log_total = vitals.log_total;
  char *at = frame_at;
  memcpy(at, head, sizeof *head), at += sizeof *head;
  memcpy(at, value, head->value_length), at += head->value_length;
  memcpy(at, note, head->note_length), at += head->note_length;
  memcpy(at, report, head->report_length);
  make_well_formed(frame_at + sizeof *head, length - sizeof *head);
  return ((uint64_t)length << 32) | (uint32_t)(uintptr_t)frame_at;
}

static const char *text_of(JSValueConst v, uint32_t *length) { /* "" where it has none */
  size_t n = 0;
  const char *s = JS_IsString(v) ? JS_ToCStringLen(ctx, &n, v) : NULL;
  *length = s ? (uint32_t)n : 0;
  return s;
}

static void text_free(const char *s) {
  if (s) JS_FreeCString(ctx, s);
}

static JSValue describe(JSValue error) { /* takes the error; a string, or undefined where even that fails */
  /* Where there is no memory left for an error object QuickJS throws null. */
  if (JS_IsNull(error) && memory_limit && heap_used() / 4 > memory_limit / 5)
    return JS_NewString(ctx, "{\"name\":\"InternalError\",\"message\":\"out of memory\"}");
  JSValue text = JS_Call(ctx, hook_describe, JS_UNDEFINED, 1, (JSValueConst *)&error);
  JS_FreeValue(ctx, error);
  if (!JS_IsException(text)) return text;
  JS_FreeValue(ctx, JS_GetException(ctx));
  return JS_UNDEFINED;
}

static uint64_t finish(void) {
  JSContext *c;
  int ran;
  while ((ran = JS_ExecutePendingJob(rt, &c)) != 0)
    if (ran < 0) JS_FreeValue(ctx, JS_GetException(ctx));
  struct frame head = {0};
  JSValue value = JS_UNDEFINED, note = JS_UNDEFINED, report = JS_UNDEFINED;
  int promise = JS_IsPromise(result), mute = 0;
  JSPromiseStateEnum state = promise ? JS_PromiseState(ctx, result) : JS_PROMISE_FULFILLED;
  head.settled = state != JS_PROMISE_PENDING;
  head.failed = state == JS_PROMISE_REJECTED;
  if (head.failed) {
    value = describe(JS_PromiseResult(ctx, result));
  } else if (head.settled) {
    JSValue v = promise ? JS_PromiseResult(ctx, result) : JS_DupValue(ctx, result);
    value = JS_JSONStringify(ctx, v, JS_UNDEFINED, JS_UNDEFINED);
    JS_FreeValue(ctx, v);
    if (JS_IsException(value)) {
      value = JS_UNDEFINED;
      note = describe(JS_GetException(ctx));
      mute = 1;
    }
  }
  if (flags[FLAG_REPORT] || flags[FLAG_FETCHING]) {
    JSValueConst settled = head.settled ? JS_TRUE : JS_FALSE;
    report = JS_Call(ctx, hook_drain, JS_UNDEFINED, 1, &settled);
    if (JS_IsException(report)) { /* what the call asked for is lost, and with that the call */
      JS_FreeValue(ctx, value), JS_FreeValue(ctx, note);
      value = describe(JS_GetException(ctx));
      note = report = JS_UNDEFINED;
      mute = 0;
      head.settled = head.failed = 1;
      flags[FLAG_FETCHING] = 0;
    }
  }
  if (head.settled && !flags[FLAG_FETCHING]) head.status = head.failed ? THROWN : RETURNED;
  else head.status = flags[FLAG_PENDING] ? WAITING : STALLED;
  const char *v = text_of(value, &head.value_length);
  const char *n = text_of(note, &head.note_length);
  const char *r = text_of(report, &head.report_length);
  int lost = (mute && !n) || (JS_IsString(value) && !v) || (JS_IsString(note) && !n) || (JS_IsString(report) && !r);
  uint64_t out = lost ? starved() : frame(&head, v ? v : "", n ? n : "", r ? r : "");
  if (lost) JS_FreeValue(ctx, JS_GetException(ctx));
  text_free(v), text_free(n), text_free(r);
  JS_FreeValue(ctx, value), JS_FreeValue(ctx, note), JS_FreeValue(ctx, report);
  return out;
}

static uint64_t thrown(void) { /* outside any handler: while loading, or for input that is not JSON */
  struct frame head = {.status = THROWN, .settled = 1, .failed = 1};
  JSValue text = describe(JS_GetException(ctx));
  const char *v = text_of(text, &head.value_length);
  uint64_t out = frame(&head, v ? v : "", "", "");
  text_free(v);
  JS_FreeValue(ctx, text);
  return out;
}

/* ---- loading ---- */

/* Evaluates the script in the input; a frame with its value, or with what it threw. */
EXPORT("evaluate") uint64_t evaluate(uint32_t length, uint32_t name_length, int64_t now_us, int64_t chance) {
  uint8_t seed[32] = {0};
  memcpy(seed, &chance, sizeof chance);
  chance_start(now_us, seed);
  char *name = input_at, *text = input_at + name_length + 1;
  text[length] = 0;
  JS_FreeValue(ctx, result);
  result = JS_Eval(ctx, text, length, name, JS_EVAL_TYPE_GLOBAL);
  if (JS_IsException(result)) {
    result = JS_UNDEFINED;
    return thrown();
  }
  return finish();
}

/* The last step before the image: `handlers` is the array of functions to call, in the order of frames.HANDLERS. */
EXPORT("seal") void seal(uint32_t memory, uint32_t collect_after) {
  JSValue global = JS_GetGlobalObject(ctx), list = JS_GetPropertyStr(ctx, global, "__handlers");
  for (uint32_t i = 0; i < HANDLERS; i++) {
    JS_FreeValue(ctx, handlers[i]);
    handlers[i] = JS_GetPropertyUint32(ctx, list, i);
  }
  JS_FreeValue(ctx, list);
  JSAtom atom = JS_NewAtom(ctx, "__handlers");
  JS_DeleteProperty(ctx, global, atom, 0);
  JS_FreeAtom(ctx, atom);
  JS_FreeValue(ctx, global);
  JS_FreeValue(ctx, result);
  result = JS_UNDEFINED;
  JS_RunGC(rt);
  JS_SetMemoryLimit(rt, memory_limit = memory);
  JS_SetGCThreshold(rt, collect_after); /* a short call never collects; a long one that makes cycles does */
  log_clear();
  isthmus_stack_low = (uint32_t)(uintptr_t)__builtin_frame_address(0);
}

/* ---- calls ---- */

EXPORT("invoke") uint64_t invoke(uint32_t length) {
  struct record *record = (struct record *)input_at;
  char *settings = input_at + sizeof *record, *argument = settings + record->settings_length + 1;
  if (argument + record->argument_length + 1 != input_at + length || record->handler >= HANDLERS) __builtin_trap();
  chance_start(record->now_us, record->seed);
  JSValue values[2];
  JS_FreeValue(ctx, result);
  result = JS_UNDEFINED;
  values[0] = JS_ParseJSON(ctx, argument, record->argument_length, "event");
  if (JS_IsException(values[0])) return thrown();
  values[1] = JS_ParseJSON(ctx, settings, record->settings_length, "settings");
  if (JS_IsException(values[1])) {
    JS_FreeValue(ctx, values[0]);
    return thrown();
  }
  result = JS_Call(ctx, handlers[record->handler], JS_UNDEFINED, 2, (JSValueConst *)values);
  JS_FreeValue(ctx, values[0]), JS_FreeValue(ctx, values[1]);
  if (JS_IsException(result)) {
    JSValue error = JS_GetException(ctx);
    result = JS_NewSettledPromise(ctx, true, error);
    JS_FreeValue(ctx, error);
  } else if (JS_IsObject(result) && !JS_IsPromise(result)) {
    JSValue adopted = JS_Call(ctx, hook_adopt, JS_UNDEFINED, 1, (JSValueConst *)&result); /* a foreign thenable */
    if (JS_IsException(adopted)) {
      JSValue error = JS_GetException(ctx);
      adopted = JS_NewSettledPromise(ctx, true, error);
      JS_FreeValue(ctx, error);
    }
    JS_FreeValue(ctx, result);
    result = adopted;
  }
  if (JS_IsPromise(result)) JS_PromiseMarkAsHandled(ctx, result);
  return finish();
}

/* The answers of the host, JSON text, are in the input. */
EXPORT("resume") uint64_t resume(uint32_t length, int64_t now_us) {
  chance_resume(now_us);
  log_taken();
  input_at[length] = 0;
  JSValue text = JS_ParseJSON(ctx, input_at, length, "answers");
  if (JS_IsException(text)) return thrown();
  JSValue done = JS_Call(ctx, hook_settle, JS_UNDEFINED, 1, (JSValueConst *)&text);
  JS_FreeValue(ctx, text);
  if (JS_IsException(done)) return thrown();
  JS_FreeValue(ctx, done);
  return finish();
}

/* For a world that is kept: forget the call that has ended, keep everything else. */
EXPORT("settle") void settle(void) {
  JS_FreeValue(ctx, result);
  result = JS_UNDEFINED;
  log_clear();
}
