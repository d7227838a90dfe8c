//! Functions for isthmus in Zig.
//!
//!     const isthmus = @import("isthmus.zig");
//!
//!     fn track(call: isthmus.Call) !?isthmus.Value {
//!         const name = isthmus.get(call.event, "event").string;
//!         if (!std.mem.eql(u8, name, "Order Completed"))
//!             return isthmus.fail(error.EventNotSupported, "{s} is not sent on", .{name});
//!         return null;
//!     }
//!     export fn onTrack() void {
//!         isthmus.run(track);
//!     }
//!
//! An export named as a handler is one; what is left out makes its type of event unsupported. An error's name is what
//! isthmus goes by: RetryError is tried again, EventNotSupported, InvalidEventPayload and ValidationError are refused,
//! DropEvent drops. Memory is never freed: each call has a fresh world, and it goes with that.

const std = @import("std");

/// JSON: `.string`, `.integer`, `.float`, `.bool`, `.object`, `.array`, `.null`.
pub const Value = std.json.Value;

/// For all that a call allocates.
pub const allocator: std.mem.Allocator = std.heap.wasm_allocator;

pub const Call = struct {
    /// The name of the handler that was called: `onTrack`.
    handler: []const u8,
    /// The event; for `onBatch` an array of events; for `onRequest` the request: `url`, `method`, `headers`, `body`.
    event: Value,
    settings: Value,
};

pub const Header = struct { name: []const u8, value: []const u8 };

pub const Request = struct {
    method: []const u8 = "GET",
    url: []const u8,
    headers: []const Header = &.{},
    /// Text, or null for none.
    body: ?[]const u8 = null,
};

pub const Response = struct {
    status: u16,
    /// Text; where it is not UTF-8, Base64 of it.
    body: []const u8,
    /// Pairs of name and value; see `header`.
    headers: Value,
};

var message: []const u8 = "";

/// Runs a handler on the call that is there, and hands out what it returns; null is nothing.
pub fn run(comptime handler: fn (Call) anyerror!?Value) void {
    answer(handler) catch |fault| {
        write(stringify(.{ .@"error" = .{ .name = @errorName(fault), .message = message } }) catch unreachable);
    };
}

fn answer(comptime handler: fn (Call) anyerror!?Value) !void {
    const call = try parse(try read());
    const event = if (call.object.get("event")) |event| event else if (call.object.get("events")) |events| events else get(call, "request");
    const returned = try handler(.{ .handler = get(call, "handler").string, .event = event, .settings = get(call, "settings") });
    if (returned) |value| write(try stringify(.{ .@"return" = value }));
}

/// The error that a handler returns, with a message: `return fail(error.RetryError, "status {d}", .{status})`.
pub fn fail(fault: anyerror, comptime format: []const u8, arguments: anytype) anyerror {
    message = std.fmt.allocPrint(allocator, format, arguments) catch "";
    return fault;
}

/// A value by its path, null where it is not there: `get(event, "properties.products.0.price")`.
pub fn get(value: Value, path: []const u8) Value {
    var found = value;
    var names = std.mem.splitScalar(u8, path, '.');
    while (names.next()) |name| {
        found = switch (found) {
            .object => |object| object.get(name) orelse .null,
            .array => |array| item: {
                const index = std.fmt.parseInt(usize, name, 10) catch break :item .null;
                break :item if (index < array.items.len) array.items[index] else .null;
            },
            else => .null,
        };
    }
    return found;
}

/// A text by its path; `otherwise` where there is none.
pub fn text(value: Value, path: []const u8, otherwise: []const u8) []const u8 {
    return switch (get(value, path)) {
        .string => |string| string,
        else => otherwise,
    };
}

/// JSON of a text, such as a webhook's body.
pub fn parse(json: []const u8) !Value {
    return std.json.parseFromSliceLeaky(Value, allocator, json, .{});
}

/// The text of a value, or of any struct.
pub fn stringify(value: anytype) ![]const u8 {
    return std.json.Stringify.valueAlloc(allocator, value, .{});
}

/// A line for the log.
pub fn log(level: enum { debug, info, warn, @"error" }, comptime format: []const u8, arguments: anytype) !void {
    _ = try ask(.{ .op = "log", .level = @tagName(level), .text = try std.fmt.allocPrint(allocator, format, arguments) });
}

/// A message of a source function: `send(.{ .type = "track", .event = "...", .userId = "..." })`.
pub fn send(sent: anytype) !void {
    _ = try ask(.{ .op = "send", .message = sent });
}

/// Sends a request. Without a response it is error.FetchError, and `fail` keeps why.
pub fn fetch(request: Request) !Response {
    var headers = try allocator.alloc([2][]const u8, request.headers.len);
    for (request.headers, 0..) |each, index| headers[index] = .{ each.name, each.value };
    const value = try ask(.{ .op = "fetch", .method = request.method, .url = request.url, .headers = headers, .body = request.body });
    return .{ .status = @intCast(get(value, "status").integer), .body = text(value, "body", ""), .headers = get(value, "headers") };
}

/// A header by its name in any case, of a request's or a response's headers.
pub fn header(headers: Value, name: []const u8) ?[]const u8 {
    if (headers != .array) return null;
    for (headers.array.items) |pair| {
        if (std.ascii.eqlIgnoreCase(text(pair, "0", ""), name)) return text(pair, "1", "");
    }
    return null;
}

/// Asks the host anything it knows: fetch, sleep, cache_load, cache_store, ...; the value it answers with.
pub fn ask(request: anytype) !Value {
    const json = try stringify(request);
    const answered = try allocator.alloc(u8, host.ask(json.ptr, json.len));
    host.answer(answered.ptr);
    const reply = try parse(answered);
    if (reply.object.get("error")) |fault| {
        const named = std.mem.eql(u8, text(fault, "name", ""), "FetchError");
        return fail(if (named) error.FetchError else error.TypeError, "{s}", .{text(fault, "message", "")});
    }
    return get(reply, "value");
}

/// Why the last call of `ask`, `fetch` or `fail` went wrong.
pub fn reason() []const u8 {
    return message;
}

const host = struct {
    extern "isthmus" fn ask(at: [*]const u8, length: usize) usize;
    extern "isthmus" fn answer(at: [*]u8) void;
};

fn read() ![]const u8 {
    var input: std.ArrayList(u8) = .empty;
    while (true) {
        var part: [4096]u8 = undefined;
        const vector = [_]std.os.wasi.iovec_t{.{ .base = &part, .len = part.len }};
        var got: usize = 0;
        if (std.os.wasi.fd_read(0, &vector, 1, &got) != .SUCCESS or got == 0) return input.items;
        try input.appendSlice(allocator, part[0..got]);
    }
}

fn write(output: []const u8) void {
    const vector = [_]std.os.wasi.ciovec_t{.{ .base = output.ptr, .len = output.len }};
    var gave: usize = 0;
    _ = std.os.wasi.fd_write(1, &vector, 1, &gave);
}
