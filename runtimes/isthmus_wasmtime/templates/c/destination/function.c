/* A destination function: each handler gets one event and the settings of one instance.
 * A handler that is left out makes its type of event unsupported. */
#include "isthmus.h"

static void deliver(isthmus_json event, isthmus_json settings) {
  const char *endpoint = isthmus_string(isthmus_get(settings, "endpoint"));
  isthmus_json headers = isthmus_make("{\"Content-Type\":\"application/json\"}");
  isthmus_response response = isthmus_fetch("POST", endpoint, headers, isthmus_text(event));

  if (!response.status) isthmus_throw("RetryError", "%s", response.error); /* no answer: try again later */
  if (response.status >= 500 || response.status == 429)
    isthmus_throw("RetryError", "the server answered %d", response.status);
  if (response.status >= 400) isthmus_throw("InvalidEventPayload", "the server answered %d", response.status);
}

ISTHMUS_HANDLER(onTrack) { deliver(event, settings); }
ISTHMUS_HANDLER(onIdentify) { deliver(event, settings); }
ISTHMUS_HANDLER(onPage) { deliver(event, settings); }
ISTHMUS_HANDLER(onScreen) { deliver(event, settings); }
ISTHMUS_HANDLER(onGroup) { deliver(event, settings); }
