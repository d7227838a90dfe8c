//! The handler as an Extism plug-in: the event is its input, the settings are its configuration.

const std = @import("std");

extern "extism:host/env" fn input_length() u64;
extern "extism:host/env" fn input_load_u8(u64) u8;
extern "extism:host/env" fn length(u64) u64;
extern "extism:host/env" fn alloc(u64) u64;
extern "extism:host/env" fn load_u8(u64) u8;
extern "extism:host/env" fn store_u8(u64, u8) void;
extern "extism:host/env" fn output_set(u64, u64) void;
extern "extism:host/env" fn config_get(u64) u64;

const allocator = std.heap.wasm_allocator;
const Item = struct { sku: []u8, price: f64, qty: f64 };
const Event = struct { userId: []const u8, properties: struct { items: []Item } };
const Answer = struct { user: []const u8, total: f64, key: []const u8, tags: [][]u8 };

export fn on_track() i32 {
    run() catch return 1;
    return 0;
}

fn run() !void {
    const event = try std.json.parseFromSliceLeaky(Event, allocator, try input(), .{ .ignore_unknown_fields = true });
    const items = event.properties.items;
    var total: f64 = 0;
    const tags = try allocator.alloc([]u8, items.len);
    for (items, tags) |item, *tag| {
        total += item.price * item.qty;
        tag.* = try std.ascii.allocLowerString(allocator, item.sku);
    }
    const key = try setting("apiKey");
    const answer = Answer{ .user = event.userId, .total = total, .key = key[0..@min(4, key.len)], .tags = tags };
    output(try std.json.Stringify.valueAlloc(allocator, answer, .{}));
}

fn input() ![]u8 {
    const text = try allocator.alloc(u8, @intCast(input_length()));
    for (text, 0..) |*byte, at| byte.* = input_load_u8(at);
    return text;
}

fn setting(name: []const u8) ![]u8 {
    const key = alloc(name.len);
    for (name, 0..) |byte, at| store_u8(key + at, byte);
    const found = config_get(key);
    const text = try allocator.alloc(u8, @intCast(length(found)));
    for (text, 0..) |*byte, at| byte.* = load_u8(found + at);
    return text;
}

fn output(text: []const u8) void {
    const at = alloc(text.len);
    for (text, 0..) |byte, offset| store_u8(at + offset, byte);
    output_set(at, text.len);
}
