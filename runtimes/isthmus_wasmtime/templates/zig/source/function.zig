// A source function: gets a webhook, and says by isthmus.send what it means.
// The messages go out only if it ends without an error.
const isthmus = @import("isthmus.zig");

fn request(call: isthmus.Call) !?isthmus.Value {
    const body = try isthmus.parse(isthmus.text(call.event, "body", ""));
    const user = isthmus.text(body, "user.id", "");
    if (user.len == 0) return isthmus.fail(error.InvalidEventPayload, "the webhook names no user", .{});

    try isthmus.send(.{ .type = "identify", .userId = user, .traits = .{ .email = isthmus.get(body, "user.email") } });

    var properties = isthmus.get(body, "details");
    if (properties != .object) properties = try isthmus.parse("{}");
    const source = isthmus.header(isthmus.get(call.event, "headers"), "X-Source") orelse "webhook";
    try properties.object.put(isthmus.allocator, "source", .{ .string = source });
    try isthmus.send(.{ .type = "track", .event = isthmus.get(body, "event"), .userId = user, .properties = properties });
    return null;
}

export fn onRequest() void {
    isthmus.run(request);
}
