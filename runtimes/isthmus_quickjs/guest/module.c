/* ES modules: the author's own, and what it imports, which is never a file but what the prelude answers for. */
#include "world.h"

static JSValue importer; /* name -> {export: value}; throws for what there is not */
static int has_importer;

/* A module that is imported goes by the name that the code says, wherever that stands. */
static char *as_it_is(JSContext *ctx, const char *base, const char *name, void *opaque) {
  (void)base, (void)opaque;
  return js_strdup(ctx, name);
}

static int for_each_export(JSContext *ctx, JSModuleDef *m, JSValueConst exports, int filling) {
  JSPropertyEnum *names;
  uint32_t count;
  int failed = JS_GetOwnPropertyNames(ctx, &names, &count, exports, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY);
  if (failed) return failed;
  for (uint32_t i = 0; i < count && !failed; i++) {
    const char *name = JS_AtomToCString(ctx, names[i].atom);
    if (!name) failed = -1;
    else if (!filling) failed = JS_AddModuleExport(ctx, m, name);
    else {
      JSValue value = JS_GetProperty(ctx, exports, names[i].atom);
      failed = JS_IsException(value) ? -1 : JS_SetModuleExport(ctx, m, name, value);
    }
    JS_FreeCString(ctx, name);
  }
  JS_FreePropertyEnum(ctx, names, count);
  return failed;
}

static int fill(JSContext *ctx, JSModuleDef *m) {
  JSValue exports = JS_GetModulePrivateValue(ctx, m);
  int failed = for_each_export(ctx, m, exports, 1);
  JS_FreeValue(ctx, exports);
  return failed;
}

static JSModuleDef *import(JSContext *ctx, const char *name, void *opaque) {
  (void)opaque;
  JSValue text = JS_NewString(ctx, name);
  JSValue exports = JS_Call(ctx, importer, JS_UNDEFINED, 1, (JSValueConst *)&text);
  JS_FreeValue(ctx, text);
  if (JS_IsException(exports)) return NULL;
  JSModuleDef *m = JS_NewCModule(ctx, name, fill);
  if (!m || for_each_export(ctx, m, exports, 0)) {
    JS_FreeValue(ctx, exports);
    return NULL;
  }
  JS_SetModulePrivateValue(ctx, m, exports);
  return m;
}

/* importer(function): who answers imports from now on, import() in a script too */
JSValue module_importer(ARGS) {
  (void)self, (void)argc;
  if (has_importer) JS_FreeValue(ctx, importer);
  importer = JS_DupValue(ctx, argv[0]);
  has_importer = 1;
  JS_SetModuleLoaderFunc(JS_GetRuntime(ctx), as_it_is, import, NULL);
  return JS_UNDEFINED;
}

static JSValue compiled(JSContext *ctx, JSValueConst *argv) {
  size_t n;
  const char *text = JS_ToCStringLen(ctx, &n, argv[0]), *file = JS_ToCString(ctx, argv[1]);
  JSValue code = JS_EXCEPTION;
  if (text && file) {
    JSEvalOptions options = {JS_EVAL_OPTIONS_VERSION, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY, file, 1};
    code = JS_Eval2(ctx, text, n, &options);
  }
  JS_FreeCString(ctx, text);
  JS_FreeCString(ctx, file);
  return code;
}

static JSValue evaluated(JSContext *ctx, JSValue code) {
  if (JS_IsException(code) || JS_ResolveModule(ctx, code)) return JS_EXCEPTION;
  JSModuleDef *m = JS_VALUE_GET_PTR(code);
  JSValue promise = JS_EvalFunction(ctx, code);
  if (JS_IsException(promise)) return promise;
  JSValue pair[2] = {JS_GetModuleNamespace(ctx, m), promise};
  return JS_NewArrayFrom(ctx, 2, pair);
}

/* module(text, file) -> [namespace, promise of its evaluation]; what it imports is loaded before it runs */
JSValue module_evaluate(ARGS) {
  (void)self, (void)argc;
  return evaluated(ctx, compiled(ctx, argv));
}

/* compileModule(text, file) -> Uint8Array: bytecode with positions, without source text; what it imports is there */
JSValue module_compile(ARGS) {
  (void)self, (void)argc;
  JSValue code = compiled(ctx, argv);
  if (JS_IsException(code)) return code;
  JSValue bytes = bytecode_of(ctx, JS_DupValue(ctx, code), JS_WRITE_OBJ_STRIP_SOURCE);
  if (JS_IsException(bytes) || !JS_ResolveModule(ctx, code)) return bytes;
  JS_FreeValue(ctx, bytes);
  return JS_EXCEPTION;
}

/* loadModule(op): the same as module(), of the bytecode that the host answers with */
JSValue module_load(ARGS) {
  (void)self, (void)argc;
  return evaluated(ctx, bytecode_read(ctx, argv[0]));
}
