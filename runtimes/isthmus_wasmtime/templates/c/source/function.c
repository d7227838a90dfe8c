/* A source function: gets a webhook, and says by isthmus_send() what it means.
 * The messages go out only if it ends without an error. */
#include "isthmus.h"

ISTHMUS_HANDLER(onRequest) {
  isthmus_json body = isthmus_parse(isthmus_string(isthmus_get(event, "body")));
  isthmus_json user = isthmus_get(body, "user.id");
  const char *source = isthmus_header(isthmus_get(event, "headers"), "X-Source");

  if (!isthmus_true(user)) isthmus_throw("InvalidEventPayload", "the webhook names no user");

  isthmus_send(isthmus_make("{\"type\":\"identify\",\"userId\":%j,\"traits\":{\"email\":%j}}", user,
                            isthmus_get(body, "user.email")));
  isthmus_send(isthmus_make("{\"type\":\"track\",\"event\":%j,\"userId\":%j,\"properties\":%j}",
                            isthmus_get(body, "event"), user,
                            isthmus_with(isthmus_get(body, "details"), "source",
                                         isthmus_make("%s", source ? source : "webhook"))));
}
