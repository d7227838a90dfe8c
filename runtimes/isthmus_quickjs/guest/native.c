/* What the prelude is given: text and bytes, the clock, chance, the log, and one synchronous call to the host.
 * The prelude takes `__native` from the global object and deletes it there; no function of an author ever sees it. */
#include "world.h"
#include <string.h>

IMPORT("call") int32_t host_call(const char *op, int32_t op_length, const uint8_t *at, int32_t length);
IMPORT("take") void host_take(uint8_t *at);

static void *resize(JSRuntime *rt, void *opaque, void *at, size_t length) {
  (void)opaque;
  if (length) return js_realloc_rt(rt, at, length);
  js_free_rt(rt, at);
  return NULL;
}

static uint8_t *room(JSContext *ctx, size_t length) { return js_malloc(ctx, length ? length : 1); }

static JSValue bytes_take(JSContext *ctx, uint8_t *at, size_t length) { /* at comes from room */
  return JS_NewUint8Array(ctx, at, length, resize, NULL, false);
}

/* A Uint8Array's bytes; NULL (and an exception) for anything else. */
static uint8_t *bytes_of(JSContext *ctx, JSValueConst v, size_t *length) { return JS_GetUint8Array(ctx, length, v); }

static int is_continuation(uint8_t c) { return (c & 0xc0) == 0x80; }

/* utf8Encode(text) -> Uint8Array; lone surrogates become U+FFFD */
static JSValue utf8_encode(ARGS) {
  (void)self, (void)argc;
  size_t n;
  const char *s = JS_ToCStringLen(ctx, &n, argv[0]);
  if (!s) return JS_EXCEPTION;
  uint8_t *at = room(ctx, n);
  if (at) {
    memcpy(at, s, n);
    for (size_t i = 0; i + 2 < n; i++)
      if (at[i] == 0xed && at[i + 1] >= 0xa0 && is_continuation(at[i + 2])) at[i] = 0xef, at[i + 1] = 0xbf, at[i + 2] = 0xbd;
  }
  JS_FreeCString(ctx, s);
  return at ? bytes_take(ctx, at, n) : JS_EXCEPTION;
}

/* The length of the well-formed character at s, or minus the length of the ill-formed run one U+FFFD stands for
 * (WHATWG Encoding: maximal subpart). */
static int utf8_step(const uint8_t *s, size_t n) {
  uint8_t c = s[0], low = 0x80, high = 0xbf;
  int need;
  if (c < 0x80) return 1;
  if (c >= 0xc2 && c <= 0xdf) need = 1;
  else if (c >= 0xe0 && c <= 0xef) {
    need = 2;
    if (c == 0xe0) low = 0xa0;
    if (c == 0xed) high = 0x9f;
  } else if (c >= 0xf0 && c <= 0xf4) {
    need = 3;
    if (c == 0xf0) low = 0x90;
    if (c == 0xf4) high = 0x8f;
  } else return -1;
  for (int i = 1; i <= need; i++) {
    if ((size_t)i >= n || s[i] < low || s[i] > high) return -i;
    low = 0x80, high = 0xbf;
  }
  return need + 1;
}

/* utf8Decode(bytes) -> string with U+FFFD for what is ill-formed; utf8Valid(bytes) -> boolean */
static JSValue utf8_decode(ARGS) {
  (void)self, (void)argc;
  size_t n, out = 0;
  const uint8_t *s = bytes_of(ctx, argv[0], &n);
  if (!s && n) return JS_EXCEPTION;
  size_t bad = 0;
  for (size_t i = 0; i < n;) {
    int step = utf8_step(s + i, n - i);
    if (step < 0) bad++, step = -step;
    i += (size_t)step;
  }
  if (!bad) return JS_NewStringLen(ctx, (const char *)s, n);
  uint8_t *at = room(ctx, n + 2 * bad);
  if (!at) return JS_EXCEPTION;
  for (size_t i = 0; i < n;) {
    int step = utf8_step(s + i, n - i);
    if (step > 0) memcpy(at + out, s + i, (size_t)step), out += (size_t)step, i += (size_t)step;
    else memcpy(at + out, "\xef\xbf\xbd", 3), out += 3, i += (size_t)-step;
  }
  JSValue v = JS_NewStringLen(ctx, (const char *)at, out);
  js_free(ctx, at);
  return v;
}

static JSValue utf8_valid(ARGS) {
  (void)self, (void)argc;
  size_t n;
  const uint8_t *s = bytes_of(ctx, argv[0], &n);
  if (!s && n) return JS_EXCEPTION;
  for (size_t i = 0; i < n;) {
    int step = utf8_step(s + i, n - i);
    if (step < 0) return JS_FALSE;
    i += (size_t)step;
  }
  return JS_TRUE;
}

/* latin1Encode(text) -> Uint8Array of the low bytes of its code units; latin1Decode(bytes) -> string */
static JSValue latin1_encode(ARGS) {
  (void)self, (void)argc;
  size_t n;
  const uint16_t *s = JS_ToCStringLenUTF16(ctx, &n, argv[0]);
  if (!s) return JS_EXCEPTION;
  uint8_t *at = room(ctx, n);
  for (size_t i = 0; at && i < n; i++) at[i] = (uint8_t)s[i];
  JS_FreeCStringUTF16(ctx, s);
  return at ? bytes_take(ctx, at, n) : JS_EXCEPTION;
}

static JSValue latin1_decode(ARGS) {
  (void)self, (void)argc;
  size_t n;
  const uint8_t *s = bytes_of(ctx, argv[0], &n);
  if (!s && n) return JS_EXCEPTION;
  uint16_t *at = (uint16_t *)room(ctx, n * 2);
  if (!at) return JS_EXCEPTION;
  for (size_t i = 0; i < n; i++) at[i] = s[i];
  JSValue v = JS_NewStringUTF16(ctx, at, n);
  js_free(ctx, at);
  return v;
}

/* utf16Encode(text) -> Uint8Array, little-endian; utf16Decode(bytes) -> string, an odd last byte left out */
static JSValue utf16_encode(ARGS) {
  (void)self, (void)argc;
  size_t n;
  const uint16_t *s = JS_ToCStringLenUTF16(ctx, &n, argv[0]);
  if (!s) return JS_EXCEPTION;
  uint8_t *at = room(ctx, n * 2);
  if (at) memcpy(at, s, n * 2);
  JS_FreeCStringUTF16(ctx, s);
  return at ? bytes_take(ctx, at, n * 2) : JS_EXCEPTION;
}

static JSValue utf16_decode(ARGS) {
  (void)self, (void)argc;
  size_t n;
  const uint8_t *s = bytes_of(ctx, argv[0], &n);
  if (!s && n) return JS_EXCEPTION;
  uint16_t *at = (uint16_t *)room(ctx, n);
  if (!at) return JS_EXCEPTION;
  memcpy(at, s, n & ~(size_t)1);
  JSValue v = JS_NewStringUTF16(ctx, at, n / 2);
  js_free(ctx, at);
  return v;
}

/* base64Encode(bytes, url) -> string (padded unless url); base64Decode(text) -> Uint8Array as Node decodes: both
 * alphabets, what belongs to neither passed over, an end at the first "=" */
static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char urlsafe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static JSValue base64_encode(ARGS) {
  (void)self, (void)argc;
  size_t n, o = 0;
  const uint8_t *s = bytes_of(ctx, argv[0], &n);
  if (!s && n) return JS_EXCEPTION;
  int url = JS_ToBool(ctx, argv[1]);
  const char *table = url ? urlsafe : standard;
  char *at = (char *)room(ctx, (n + 2) / 3 * 4);
  if (!at) return JS_EXCEPTION;
  for (size_t i = 0; i < n; i += 3) {
    uint32_t x = (uint32_t)s[i] << 16 | (i + 1 < n ? s[i + 1] : 0u) << 8 | (i + 2 < n ? s[i + 2] : 0u);
    at[o++] = table[x >> 18];
    at[o++] = table[x >> 12 & 63];
    if (i + 1 < n) at[o++] = table[x >> 6 & 63];
    else if (!url) at[o++] = '=';
    if (i + 2 < n) at[o++] = table[x & 63];
    else if (!url) at[o++] = '=';
  }
  JSValue v = JS_NewStringLen(ctx, at, o);
  js_free(ctx, at);
  return v;
}

static int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

static JSValue base64_decode(ARGS) {
  (void)self, (void)argc;
  size_t n, o = 0;
  const char *s = JS_ToCStringLen(ctx, &n, argv[0]);
  if (!s) return JS_EXCEPTION;
  uint8_t *at = room(ctx, n / 4 * 3 + 3);
  uint32_t x = 0, bits = 0;
  for (size_t i = 0; at && i < n && s[i] != '='; i++) {
    int d = base64_digit(s[i]);
    if (d < 0) continue;
    x = x << 6 | (uint32_t)d, bits += 6;
    if (bits >= 8) bits -= 8, at[o++] = (uint8_t)(x >> bits);
  }
  JS_FreeCString(ctx, s);
  return at ? bytes_take(ctx, at, o) : JS_EXCEPTION;
}

/* hexEncode(bytes) -> string; hexDecode(text) -> Uint8Array, as Node decodes: up to the first pair that is not hex */
static JSValue hex_encode(ARGS) {
  (void)self, (void)argc;
  size_t n;
  const uint8_t *s = bytes_of(ctx, argv[0], &n);
  if (!s && n) return JS_EXCEPTION;
  char *at = (char *)room(ctx, n * 2);
  if (!at) return JS_EXCEPTION;
  for (size_t i = 0; i < n; i++) at[2 * i] = "0123456789abcdef"[s[i] >> 4], at[2 * i + 1] = "0123456789abcdef"[s[i] & 15];
  JSValue v = JS_NewStringLen(ctx, at, n * 2);
  js_free(ctx, at);
  return v;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static JSValue hex_decode(ARGS) {
  (void)self, (void)argc;
  size_t n, o = 0;
  const char *s = JS_ToCStringLen(ctx, &n, argv[0]);
  if (!s) return JS_EXCEPTION;
  uint8_t *at = room(ctx, n / 2 + 1);
  for (size_t i = 0; at && i + 1 < n; i += 2) {
    int high = hex_digit(s[i]), low = hex_digit(s[i + 1]);
    if (high < 0 || low < 0) break;
    at[o++] = (uint8_t)(high << 4 | low);
  }
  JS_FreeCString(ctx, s);
  return at ? bytes_take(ctx, at, o) : JS_EXCEPTION;
}

/* random(length) -> Uint8Array; now() -> milliseconds since the epoch, with fraction */
static JSValue random_bytes(ARGS) {
  (void)self, (void)argc;
  int64_t n;
  if (JS_ToInt64(ctx, &n, argv[0])) return JS_EXCEPTION;
  if (n < 0 || n > 0x7fffffff) return JS_ThrowRangeError(ctx, "cannot make %lld random bytes", (long long)n);
  uint8_t *at = room(ctx, (size_t)n);
  if (!at) return JS_EXCEPTION;
  chance_fill(at, (size_t)n);
  return bytes_take(ctx, at, (size_t)n);
}

static JSValue now(ARGS) {
  (void)self, (void)argc, (void)argv;
  return JS_NewFloat64(ctx, (double)chance_now_us() / 1000.0);
}

/* log(level, text): 0 debug, 1 log, 2 info, 3 warn, 4 error, 5 notice; false once a line has found no room.  Without a
 * text it only says so. */
static JSValue write_log(ARGS) {
  (void)self, (void)argc;
  int32_t level;
  size_t n;
  if (JS_IsUndefined(argv[1])) return JS_NewBool(ctx, !vitals.log_lines);
  if (JS_ToInt32(ctx, &level, argv[0])) return JS_EXCEPTION;
  const char *s = JS_ToCStringLen(ctx, &n, argv[1]);
  if (!s) return JS_EXCEPTION;
  log_write((uint32_t)level, s, n);
  JS_FreeCString(ctx, s);
  return JS_NewBool(ctx, !vitals.log_lines);
}

/* call(op, bytes) -> Uint8Array: the host's answer, at once; it throws where the host knows no such op */
static JSValue call(ARGS) {
  (void)self, (void)argc;
  size_t op_length, length;
  uint8_t *bytes = bytes_of(ctx, argv[1], &length);
  if (!bytes && length) return JS_EXCEPTION;
  const char *op = JS_ToCStringLen(ctx, &op_length, argv[0]);
  if (!op) return JS_EXCEPTION;
  int32_t n = host_call(op, (int32_t)op_length, bytes, (int32_t)length);
  JSValue answer = JS_EXCEPTION;
  if (n < 0) {
    JS_ThrowInternalError(ctx, "the host could not answer %s", op);
  } else {
    uint8_t *at = room(ctx, (size_t)n);
    if (at) {
      host_take(at);
      answer = bytes_take(ctx, at, (size_t)n);
    }
  }
  JS_FreeCString(ctx, op);
  return answer;
}

/* evaluate(text, file, line): a script whose first line counts as `line` */
static JSValue script(JSContext *ctx, JSValueConst text, JSValueConst file, int line, int flags) {
  size_t n;
  const char *s = JS_ToCStringLen(ctx, &n, text), *name = JS_ToCString(ctx, file);
  JSValue v = JS_EXCEPTION;
  if (s && name) {
    JSEvalOptions options = {JS_EVAL_OPTIONS_VERSION, JS_EVAL_TYPE_GLOBAL | flags, name, line};
    v = JS_Eval2(ctx, s, n, &options);
  }
  JS_FreeCString(ctx, s);
  JS_FreeCString(ctx, name);
  return v;
}

static JSValue evaluate(ARGS) {
  (void)self, (void)argc;
  int32_t line;
  if (JS_ToInt32(ctx, &line, argv[2])) return JS_EXCEPTION;
  return script(ctx, argv[0], argv[1], line, 0);
}

/* An object as bytecode, in a Uint8Array; frees it. */
JSValue bytecode_of(JSContext *ctx, JSValue code, int flags) {
  if (JS_IsException(code)) return code;
  size_t n;
  uint8_t *at = JS_WriteObject(ctx, &n, code, JS_WRITE_OBJ_BYTECODE | flags);
  JS_FreeValue(ctx, code);
  return at ? bytes_take(ctx, at, n) : JS_EXCEPTION;
}

/* compile(text, file) -> Uint8Array: a script's bytecode, without source text and positions, which are more than half of
 * what functions take up in every image; compile(text, file, line): with its positions, without its source text */
static JSValue compile(ARGS) {
  (void)self;
  int32_t line = 1;
  if (argc > 2 && JS_ToInt32(ctx, &line, argv[2])) return JS_EXCEPTION;
  JSValue code = script(ctx, argv[0], argv[1], line, JS_EVAL_FLAG_COMPILE_ONLY);
  return bytecode_of(ctx, code, JS_WRITE_OBJ_STRIP_SOURCE | (argc > 2 ? 0 : JS_WRITE_OBJ_STRIP_DEBUG));
}

/* What the bytecode stands for that the host answers with. */
JSValue bytecode_read(JSContext *ctx, JSValueConst op) {
  size_t op_length;
  const char *name = JS_ToCStringLen(ctx, &op_length, op);
  if (!name) return JS_EXCEPTION;
  int32_t n = host_call(name, (int32_t)op_length, NULL, 0);
  JSValue code = JS_EXCEPTION;
  if (n < 0) {
    JS_ThrowInternalError(ctx, "the host has no %s", name);
  } else {
    uint8_t *above = heap_above((uint32_t)n), *at = above ? above : room(ctx, (size_t)n);
    if (at) {
      host_take(at);
      code = JS_ReadObject(ctx, at, (size_t)n, JS_READ_OBJ_BYTECODE);
      if (above) heap_above_done(above, (uint32_t)n);
      else js_free(ctx, at);
    }
  }
  JS_FreeCString(ctx, name);
  return code;
}

/* load(op): evaluates the script that the host answers with, as bytecode */
static JSValue load(ARGS) {
  (void)self, (void)argc;
  JSValue code = bytecode_read(ctx, argv[0]);
  return JS_IsException(code) ? code : JS_EvalFunction(ctx, code);
}

/* bind({settle, drain, describe, adopt, rejected}) */
static JSValue bind(ARGS) {
  (void)self, (void)argc;
  guest_bind(ctx, argv[0]);
  return JS_UNDEFINED;
}

/* promise(p) -> [0 pending | 1 fulfilled | 2 rejected, value], undefined for anything else */
static JSValue promise(ARGS) {
  (void)self, (void)argc;
  if (!JS_IsPromise(argv[0])) return JS_UNDEFINED;
  JSPromiseStateEnum state = JS_PromiseState(ctx, argv[0]);
  JSValue pair[2] = {JS_NewInt32(ctx, (int32_t)state),
                     state == JS_PROMISE_PENDING ? JS_UNDEFINED : JS_PromiseResult(ctx, argv[0])};
  return JS_NewArrayFrom(ctx, 2, pair);
}

/* proxyTarget(p) -> its target, null for one that is revoked, undefined for what is no proxy; asking runs no trap */
static JSValue proxy_target(ARGS) {
  (void)self, (void)argc;
  if (!JS_IsProxy(argv[0])) return JS_UNDEFINED;
  JSValue target = JS_GetProxyTarget(ctx, argv[0]);
  if (!JS_IsException(target)) return target;
  JS_FreeValue(ctx, JS_GetException(ctx));
  return JS_NULL;
}

/* classOf(value) -> the name of an object's built-in class, whatever it says of itself: "Map", "Error", "Object"; else "" */
static JSValue class_of(ARGS) {
  (void)self, (void)argc;
  if (!JS_IsObject(argv[0])) return JS_NewString(ctx, "");
  JSAtom name = JS_GetClassName(JS_GetRuntime(ctx), JS_GetClassID(argv[0]));
  JSValue text = JS_AtomToString(ctx, name);
  JS_FreeAtom(ctx, name);
  return text;
}

/* undetectable(object) -> the object, of which typeof says "undefined" from now on, as of browsers' document.all */
static JSValue undetectable(ARGS) {
  (void)self, (void)argc;
  JS_SetIsHTMLDDA(ctx, argv[0]);
  return JS_DupValue(ctx, argv[0]);
}

JSValue native_object(JSContext *ctx) {
  static const struct { const char *name; JSCFunction *run; int length; } functions[] = {
      {"utf8Encode", utf8_encode, 1},     {"utf8Decode", utf8_decode, 1},     {"utf8Valid", utf8_valid, 1},
      {"latin1Encode", latin1_encode, 1}, {"latin1Decode", latin1_decode, 1}, {"utf16Encode", utf16_encode, 1},
      {"utf16Decode", utf16_decode, 1},   {"base64Encode", base64_encode, 2}, {"base64Decode", base64_decode, 1},
      {"hexEncode", hex_encode, 1},       {"hexDecode", hex_decode, 1},       {"random", random_bytes, 1},
      {"now", now, 0},                    {"log", write_log, 2},              {"call", call, 2},
      {"evaluate", evaluate, 3},          {"bind", bind, 1},                  {"promise", promise, 1},
      {"proxyTarget", proxy_target, 1},   {"classOf", class_of, 1},           {"compile", compile, 2},
      {"undetectable", undetectable, 1},  {"load", load, 1},                  {"importer", module_importer, 1},
      {"module", module_evaluate, 2},     {"compileModule", module_compile, 2},   {"loadModule", module_load, 1},
  };
  JSValue o = JS_NewObject(ctx);
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    JS_SetPropertyStr(ctx, o, functions[i].name, JS_NewCFunction(ctx, functions[i].run, functions[i].name, functions[i].length));
  JSValue buffer = JS_NewArrayBuffer(ctx, (uint8_t *)flags, sizeof flags, 0, NULL, NULL, false);
  JSValue view = JS_NewTypedArray(ctx, 1, (JSValueConst *)&buffer, JS_TYPED_ARRAY_INT32);
  JS_FreeValue(ctx, buffer);
  JS_SetPropertyStr(ctx, o, "flags", view); /* [a report waits, operations pending, fetches under way] */
  return o;
}
