#include "isthmus.h"

static isthmus_json field(isthmus_json object, const char *name) {
  isthmus_json none = {"", 0};
  return object.length && *object.at == '{' ? isthmus_member(object, name) : none;
}

static int is_text(isthmus_json json) { return json.length > 2 && *json.at == '"'; }

static void refuse(int status) {
  if (status == 429 || status >= 500) isthmus_throw("RetryError", "status %d", status);
  if (status >= 400) isthmus_throw("InvalidEventPayload", "status %d", status);
}

ISTHMUS_HANDLER(onTrack) {
  isthmus_json user = field(event, "userId"), properties = field(event, "properties"), first = {"null", 4};
  isthmus_json later = field(properties, "later"), items = field(properties, "items");
  if (!is_text(user)) isthmus_throw("InvalidEventPayload", "whose is it?");
  if (isthmus_is(field(event, "event"), "Ignored")) isthmus_throw("EventNotSupported", "nobody wants it");
  if (later.length == 4 && *later.at == 't') isthmus_throw("RetryError", "later");
  int count = 0;
  double total = 0;
  size_t length = items.length && *items.at == '[' ? isthmus_count(items) : 0;
  for (size_t i = 0; i < length; i++) {
    isthmus_json item = isthmus_item(items, i);
    if (*item.at != '{') continue;
    if (count++ == 0 && field(item, "name").length) first = field(item, "name");
    total += isthmus_number(field(item, "quantity"), 1) * isthmus_number(field(item, "price"), 0);
  }
  isthmus_log("info", "%d items", count);
  if (total > 1000) isthmus_throw("ValidationError", "too much");
  isthmus_json body = isthmus_make("{\"user\":%j,\"count\":%d,\"total\":%g}", user, count, total);
  isthmus_response response =
      isthmus_fetch("POST", isthmus_string(field(settings, "endpoint")),
                    isthmus_make("{\"Content-Type\":\"application/json\"}"), isthmus_text(body));
  if (!response.status) isthmus_throw("RetryError", "no answer");
  refuse(response.status);
  isthmus_json large = total > 100 ? isthmus_make("true") : isthmus_make("false");
  isthmus_return(isthmus_make("{\"user\":%j,\"first\":%j,\"count\":%d,\"total\":%g,\"large\":%j}", user, first, count,
                              total, large));
}

ISTHMUS_HANDLER(onIdentify) { isthmus_return(event); }

ISTHMUS_HANDLER(onGroup) {}
