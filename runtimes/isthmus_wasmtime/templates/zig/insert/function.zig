// An insert function: what a handler returns goes on. A handler that is left out blocks its type of event;
// error.DropEvent, or returning null, drops one.
const isthmus = @import("isthmus.zig");

fn pass(call: isthmus.Call) !?isthmus.Value {
    return call.event;
}

export fn onTrack() void {
    isthmus.run(pass);
}

export fn onIdentify() void {
    isthmus.run(pass);
}

export fn onPage() void {
    isthmus.run(pass);
}

export fn onScreen() void {
    isthmus.run(pass);
}

export fn onGroup() void {
    isthmus.run(pass);
}

export fn onAlias() void {
    isthmus.run(pass);
}

export fn onDelete() void {
    isthmus.run(pass);
}
