/* isthmus.h: functions for isthmus in C, one header and no other file.
 *
 *     #include "isthmus.h"
 *
 *     ISTHMUS_HANDLER(onTrack) {
 *       if (!isthmus_is(isthmus_get(event, "event"), "Order Completed"))
 *         isthmus_throw("EventNotSupported", "only orders are sent on");
 *       isthmus_log("info", "order %s", isthmus_string(isthmus_get(event, "properties.order_id")));
 *     }
 *
 * A handler has `event` (for onBatch: the array of events; for onRequest: the request) and `settings`. It ends by
 * returning, after isthmus_return() with a value, or by isthmus_throw(). What is left out makes its type of event
 * unsupported. Memory is never freed: each call has a fresh world, and it goes with that.
 */
#ifndef ISTHMUS_H
#define ISTHMUS_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define ISTHMUS_API __attribute__((unused)) static

/* ------------------------------------------------------------------ reading JSON */

/* The text of a JSON value, within a longer one; of length 0 where there is no such value. */
typedef struct {
  const char *at;
  size_t length;
} isthmus_json;

static const char *isthmus_blank(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
  return at;
}

/* The end of the string that begins at a quote. */
static const char *isthmus_string_end(const char *at, const char *end) {
  for (at++; at < end && *at != '"'; at++)
    if (*at == '\\') at++;
  return at < end ? at + 1 : end;
}

/* The end of the value that begins here: brackets are counted, so that depth costs no stack. */
static const char *isthmus_value_end(const char *at, const char *end) {
  size_t depth = 0;
  while (at < end) {
    char c = *at;
    if (c == '"') {
      at = isthmus_string_end(at, end);
    } else if (c == '{' || c == '[') {
      depth++, at++;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;
      depth--, at++;
    } else if (depth == 0 && (c == ',' || c == ':' || c == ' ' || c == '\n' || c == '\r' || c == '\t')) {
      return at;
    } else {
      at++;
      continue;
    }
    if (depth == 0) return at;
  }
  return end;
}

/* Steps through an object or an array: `*at` is where to go on, "" of a key for arrays. False at the end. */
static int isthmus_next(isthmus_json json, const char **at, isthmus_json *key, isthmus_json *value) {
  const char *end = json.at + json.length;
  int object = json.length && *json.at == '{';
  if (!json.length || (!object && *json.at != '[')) return 0;
  *at = isthmus_blank(*at ? *at : json.at + 1, end);
  if (*at < end && **at == ',') *at = isthmus_blank(*at + 1, end);
  if (*at >= end || **at == '}' || **at == ']') return 0;
  if (object) {
    key->at = *at;
    *at = isthmus_string_end(*at, end);
    key->length = (size_t)(*at - key->at);
    *at = isthmus_blank(*at, end);
    if (*at < end && **at == ':') *at = isthmus_blank(*at + 1, end);
  }
  value->at = *at;
  *at = isthmus_value_end(*at, end);
  value->length = (size_t)(*at - value->at);
  return 1;
}

static void *isthmus_allocate(size_t size) {
  void *made = malloc(size ? size : 1);
  if (!made) abort();
  return made;
}

static char *isthmus_put_utf8(char *to, unsigned long code) {
  if (code < 0x80) {
    *to++ = (char)code;
  } else if (code < 0x800) {
    *to++ = (char)(0xC0 | code >> 6), *to++ = (char)(0x80 | (code & 63));
  } else if (code < 0x10000) {
    *to++ = (char)(0xE0 | code >> 12), *to++ = (char)(0x80 | (code >> 6 & 63)), *to++ = (char)(0x80 | (code & 63));
  } else {
    *to++ = (char)(0xF0 | code >> 18), *to++ = (char)(0x80 | (code >> 12 & 63));
    *to++ = (char)(0x80 | (code >> 6 & 63)), *to++ = (char)(0x80 | (code & 63));
  }
  return to;
}

static unsigned long isthmus_hex4(const char *at, const char *end) {
  unsigned long code = 0;
  for (int i = 0; i < 4 && at < end; i++, at++) {
    int digit = *at >= 'a' ? *at - 'a' + 10 : *at >= 'A' ? *at - 'A' + 10 : *at - '0';
    code = code << 4 | (unsigned long)(digit & 15);
  }
  return code;
}

/* A string's text as UTF-8 that ends with a zero; NULL where the value is no string. */
ISTHMUS_API const char *isthmus_string(isthmus_json json) {
  if (json.length < 2 || *json.at != '"') return 0;
  const char *at = json.at + 1, *end = json.at + json.length - 1;
  char *text = isthmus_allocate(json.length), *to = text;
  while (at < end) {
    if (*at != '\\' || at + 1 >= end) {
      *to++ = *at++;
      continue;
    }
    char c = at[1];
    at += 2;
    if (c == 'u') {
      unsigned long code = isthmus_hex4(at, end);
      at = end - at < 4 ? end : at + 4;
      if (code >= 0xD800 && code < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        code = 0x10000 + ((code - 0xD800) << 10) + (isthmus_hex4(at + 2, end) - 0xDC00);
        at += 6;
      }
      to = isthmus_put_utf8(to, code);
    } else {
      *to++ = (char)(c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' ? '\b' : c == 'f' ? '\f' : c);
    }
  }
  *to = 0;
  return text;
}

/* Whether a value is this string. */
ISTHMUS_API int isthmus_is(isthmus_json json, const char *text) {
  const char *own = isthmus_string(json);
  return own && strcmp(own, text) == 0;
}

/* A number's value; `otherwise` where the value is no number. */
ISTHMUS_API double isthmus_number(isthmus_json json, double otherwise) {
  char digits[64];
  if (!json.length || json.length >= sizeof digits || (*json.at != '-' && (*json.at < '0' || *json.at > '9')))
    return otherwise;
  memcpy(digits, json.at, json.length);
  digits[json.length] = 0;
  return strtod(digits, 0);
}

/* Whether a value is there, and neither null, false nor an empty string. */
ISTHMUS_API int isthmus_true(isthmus_json json) {
  return json.length && *json.at != 'n' && *json.at != 'f' && !(json.length == 2 && *json.at == '"');
}

/* An object's member by its name, in full. */
ISTHMUS_API isthmus_json isthmus_member(isthmus_json json, const char *name) {
  isthmus_json key = {0, 0}, value, found = {"", 0};
  for (const char *at = 0; isthmus_next(json, &at, &key, &value);)
    if (key.length && isthmus_is(key, name)) found = value; /* of two of one name the last counts */
  return found;
}

/* An array's item, counted from 0. */
ISTHMUS_API isthmus_json isthmus_item(isthmus_json json, size_t index) {
  isthmus_json key, value, none = {"", 0};
  if (!json.length || *json.at != '[') return none;
  for (const char *at = 0; isthmus_next(json, &at, &key, &value); index--)
    if (index == 0) return value;
  return none;
}

/* How many items an array has, or members an object. */
ISTHMUS_API size_t isthmus_count(isthmus_json json) {
  isthmus_json key, value;
  size_t count = 0;
  for (const char *at = 0; isthmus_next(json, &at, &key, &value);) count++;
  return count;
}

/* A value by its path: isthmus_get(event, "properties.products.0.price"). */
ISTHMUS_API isthmus_json isthmus_get(isthmus_json json, const char *path) {
  while (*path && json.length) {
    const char *dot = strchr(path, '.');
    size_t length = dot ? (size_t)(dot - path) : strlen(path);
    char *name = isthmus_allocate(length + 1);
    memcpy(name, path, length);
    name[length] = 0;
    json = *json.at == '[' ? isthmus_item(json, strtoul(name, 0, 10)) : isthmus_member(json, name);
    free(name);
    path += length + (dot != 0);
  }
  return json;
}

/* ------------------------------------------------------------------ making JSON */

typedef struct {
  char *at;
  size_t length, room;
} isthmus_buffer;

static void isthmus_put(isthmus_buffer *buffer, const char *text, size_t length) {
  if (buffer->length + length > buffer->room) {
    buffer->room = (buffer->length + length) * 2 + 64;
    buffer->at = realloc(buffer->at, buffer->room);
    if (!buffer->at) abort();
  }
  memcpy(buffer->at + buffer->length, text, length);
  buffer->length += length;
}

static void isthmus_put_string(isthmus_buffer *buffer, const char *text, size_t length) {
  isthmus_put(buffer, "\"", 1);
  for (size_t i = 0; i < length; i++) {
    char escaped[8];
    unsigned char c = (unsigned char)text[i];
    if (c == '"' || c == '\\') {
      escaped[0] = '\\', escaped[1] = (char)c;
      isthmus_put(buffer, escaped, 2);
    } else if (c < 32) {
      isthmus_put(buffer, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", c));
    } else {
      isthmus_put(buffer, text + i, 1);
    }
  }
  isthmus_put(buffer, "\"", 1);
}

static void isthmus_put_number(isthmus_buffer *buffer, double number) {
  char text[40];
  if (number != number || number - number != 0) { /* JSON has neither NaN nor infinity */
    isthmus_put(buffer, "null", 4);
    return;
  }
  snprintf(text, sizeof text, "%.15g", number);
  if (strtod(text, 0) != number) snprintf(text, sizeof text, "%.17g", number);
  isthmus_put(buffer, text, strlen(text));
}

static void isthmus_put_formatted(isthmus_buffer *buffer, const char *format, va_list arguments) {
  char text[24];
  for (; *format; format++) {
    if (*format != '%') {
      isthmus_put(buffer, format, 1);
      continue;
    }
    switch (*++format) {
      case 's': {
        const char *string = va_arg(arguments, const char *);
        if (string) isthmus_put_string(buffer, string, strlen(string));
        else isthmus_put(buffer, "null", 4);
        break;
      }
      case 'j': {
        isthmus_json json = va_arg(arguments, isthmus_json);
        isthmus_put(buffer, json.length ? json.at : "null", json.length ? json.length : 4);
        break;
      }
      case 'd':
        isthmus_put(buffer, text, (size_t)snprintf(text, sizeof text, "%d", va_arg(arguments, int)));
        break;
      case 'g':
        isthmus_put_number(buffer, va_arg(arguments, double));
        break;
      default:
        isthmus_put(buffer, format, 1);
        if (!*format) return;
    }
  }
}

/* JSON by a pattern: %s a string or NULL, %j an isthmus_json, %d an int, %g a double, %% a percent sign.
 *     isthmus_make("{\"id\":%s,\"total\":%j}", id, isthmus_get(event, "properties.total")) */
ISTHMUS_API isthmus_json isthmus_make(const char *format, ...) {
  isthmus_buffer buffer = {0, 0, 0};
  va_list arguments;
  va_start(arguments, format);
  isthmus_put_formatted(&buffer, format, arguments);
  va_end(arguments);
  isthmus_json made = {buffer.at ? buffer.at : "", buffer.length};
  return made;
}

/* An object with a member more, or changed. */
ISTHMUS_API isthmus_json isthmus_with(isthmus_json object, const char *name, isthmus_json member) {
  isthmus_buffer buffer = {0, 0, 0};
  isthmus_json key = {0, 0}, value;
  for (const char *at = 0; isthmus_next(object, &at, &key, &value);) {
    if (key.length && isthmus_is(key, name)) continue;
    isthmus_put(&buffer, buffer.length ? "," : "{", 1);
    isthmus_put(&buffer, key.at, key.length);
    isthmus_put(&buffer, ":", 1);
    isthmus_put(&buffer, value.at, value.length);
  }
  isthmus_put(&buffer, buffer.length ? "," : "{", 1);
  isthmus_put_string(&buffer, name, strlen(name));
  isthmus_put(&buffer, ":", 1);
  isthmus_put(&buffer, member.length ? member.at : "null", member.length ? member.length : 4);
  isthmus_put(&buffer, "}", 1);
  isthmus_json made = {buffer.at, buffer.length};
  return made;
}

/* JSON of a text, such as a webhook's body. It is read as far as it can be, and never beyond its end. */
ISTHMUS_API isthmus_json isthmus_parse(const char *text) {
  const char *end = text ? text + strlen(text) : text, *at = isthmus_blank(text, end);
  isthmus_json json = {at, text ? (size_t)(isthmus_value_end(at, end) - at) : 0};
  return json;
}

/* A header's value by its name in any case, of a request's or a response's headers; NULL where there is none. */
ISTHMUS_API const char *isthmus_header(isthmus_json headers, const char *name) {
  isthmus_json key, header;
  for (const char *at = 0; isthmus_next(headers, &at, &key, &header);) {
    const char *own = isthmus_string(isthmus_item(header, 0));
    if (own && strcasecmp(own, name) == 0) return isthmus_string(isthmus_item(header, 1));
  }
  return 0;
}

/* ------------------------------------------------------------------ asking the host */

__attribute__((import_module("isthmus"), import_name("ask"))) unsigned isthmus_host_ask(const void *at, unsigned length);
__attribute__((import_module("isthmus"), import_name("answer"))) void isthmus_host_answer(void *at);

/* Asks the host anything it knows (fetch, sleep, cache_load, cache_store, ...): {"value"} or {"error"}. */
ISTHMUS_API isthmus_json isthmus_ask(isthmus_json request) {
  unsigned length = isthmus_host_ask(request.at, (unsigned)request.length);
  char *answer = isthmus_allocate(length);
  isthmus_host_answer(answer);
  isthmus_json json = {answer, length};
  return json;
}

static void isthmus_write(const char *at, size_t length) {
  while (length) {
    ssize_t written = write(1, at, length);
    if (written <= 0) _Exit(1);
    at += written, length -= (size_t)written;
  }
}

static isthmus_json isthmus_printed(const char *format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  int length = vsnprintf(0, 0, format, again);
  va_end(again);
  char *text = isthmus_allocate((size_t)length + 1);
  vsnprintf(text, (size_t)length + 1, format, arguments);
  isthmus_buffer buffer = {0, 0, 0};
  isthmus_put_string(&buffer, text, (size_t)length);
  isthmus_json json = {buffer.at, buffer.length};
  return json;
}

/* Ends the call with an error, its message as printf makes it. What the names mean is isthmus's: RetryError is
 * tried again, EventNotSupported, InvalidEventPayload and ValidationError are refused, DropEvent drops. */
__attribute__((noreturn, format(printf, 2, 3))) ISTHMUS_API void isthmus_throw(const char *name, const char *message, ...) {
  va_list arguments;
  va_start(arguments, message);
  isthmus_json reply =
      isthmus_make("{\"error\":{\"name\":%s,\"message\":%j}}", name, isthmus_printed(message, arguments));
  isthmus_write(reply.at, reply.length);
  _Exit(0);
}

/* A line for the log, as printf makes it; `level` is debug, log, info, warn or error. */
__attribute__((format(printf, 2, 3))) ISTHMUS_API void isthmus_log(const char *level, const char *text, ...) {
  va_list arguments;
  va_start(arguments, text);
  isthmus_ask(isthmus_make("{\"op\":\"log\",\"level\":%s,\"text\":%j}", level, isthmus_printed(text, arguments)));
  va_end(arguments);
}

/* A message of a source function, such as {"type":"track","event":...,"userId":...}. */
ISTHMUS_API void isthmus_send(isthmus_json message) { isthmus_ask(isthmus_make("{\"op\":\"send\",\"message\":%j}", message)); }

/* What came of a request; `status` is 0 where no response came, and `error` says why. Text only: of a body that
 * is not UTF-8, `body` is Base64. */
typedef struct {
  int status;
  const char *body;
  isthmus_json headers; /* see isthmus_header */
  const char *error;
} isthmus_response;

/* Sends a request. `headers` is a JSON object of strings, or {0}; `body` is JSON or text, or NULL for none. */
ISTHMUS_API isthmus_response isthmus_fetch(const char *method, const char *url, isthmus_json headers, const char *body) {
  isthmus_json none = {"{}", 2};
  isthmus_json answer =
      isthmus_ask(isthmus_make("{\"op\":\"fetch\",\"method\":%s,\"url\":%s,\"headers\":%j,\"body\":%s}", method, url,
                               headers.length ? headers : none, body));
  isthmus_json value = isthmus_get(answer, "value");
  isthmus_response response = {
      (int)isthmus_number(isthmus_get(value, "status"), 0),
      isthmus_string(isthmus_get(value, "body")),
      isthmus_get(value, "headers"),
      isthmus_string(isthmus_get(answer, "error.message")),
  };
  return response;
}

/* A value's text, to be sent as a body. */
ISTHMUS_API const char *isthmus_text(isthmus_json json) {
  char *text = isthmus_allocate(json.length + 1);
  memcpy(text, json.at, json.length);
  text[json.length] = 0;
  return text;
}

/* ------------------------------------------------------------------ the call */

static isthmus_json isthmus_returned;

/* Says what the handler returns: the event that goes on, or for a batch an array of results. */
ISTHMUS_API void isthmus_return(isthmus_json value) { isthmus_returned = value; }

/* Runs a handler; what ISTHMUS_HANDLER exports. */
ISTHMUS_API void isthmus_run(void (*handler)(isthmus_json event, isthmus_json settings)) {
  isthmus_buffer input = {0, 0, 0};
  char part[4096];
  for (ssize_t got; (got = read(0, part, sizeof part)) > 0;) isthmus_put(&input, part, (size_t)got);
  isthmus_json call = {input.at ? input.at : "", input.length};
  isthmus_json event = isthmus_member(call, "event");
  if (!event.length) event = isthmus_member(call, "events");
  if (!event.length) event = isthmus_member(call, "request");
  isthmus_returned.length = 0;
  handler(event, isthmus_member(call, "settings"));
  if (!isthmus_returned.length) return;
  isthmus_json reply = isthmus_make("{\"return\":%j}", isthmus_returned);
  isthmus_write(reply.at, reply.length);
}

#define ISTHMUS_HANDLER(NAME)                                                              \
  static void isthmus_##NAME(isthmus_json event, isthmus_json settings);                   \
  __attribute__((export_name(#NAME))) void isthmus_export_##NAME(void) {                   \
    isthmus_run(isthmus_##NAME);                                                           \
  }                                                                                        \
  static void isthmus_##NAME(__attribute__((unused)) isthmus_json event,                   \
                             __attribute__((unused)) isthmus_json settings)

#endif
