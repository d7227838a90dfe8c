/* An insert function: what a handler returns goes on. A handler that is left out blocks its type of event;
 * isthmus_throw("DropEvent", ...), or returning nothing, drops one. */
#include "isthmus.h"

ISTHMUS_HANDLER(onTrack) { isthmus_return(event); }
ISTHMUS_HANDLER(onIdentify) { isthmus_return(event); }
ISTHMUS_HANDLER(onPage) { isthmus_return(event); }
ISTHMUS_HANDLER(onScreen) { isthmus_return(event); }
ISTHMUS_HANDLER(onGroup) { isthmus_return(event); }
ISTHMUS_HANDLER(onAlias) { isthmus_return(event); }
ISTHMUS_HANDLER(onDelete) { isthmus_return(event); }
