// A destination function: each handler gets one event and the settings of one instance.
// A handler that is left out makes its type of event unsupported.
const isthmus = @import("isthmus.zig");

fn deliver(call: isthmus.Call) !?isthmus.Value {
    const response = isthmus.fetch(.{
        .method = "POST",
        .url = isthmus.text(call.settings, "endpoint", ""),
        .headers = &.{.{ .name = "Content-Type", .value = "application/json" }},
        .body = try isthmus.stringify(call.event),
    }) catch return isthmus.fail(error.RetryError, "{s}", .{isthmus.reason()}); // no answer: try again later

    if (response.status >= 500 or response.status == 429)
        return isthmus.fail(error.RetryError, "the server answered {d}", .{response.status});
    if (response.status >= 400)
        return isthmus.fail(error.InvalidEventPayload, "the server answered {d}", .{response.status});
    return null;
}

export fn onTrack() void {
    isthmus.run(deliver);
}

export fn onIdentify() void {
    isthmus.run(deliver);
}

export fn onPage() void {
    isthmus.run(deliver);
}

export fn onScreen() void {
    isthmus.run(deliver);
}

export fn onGroup() void {
    isthmus.run(deliver);
}
