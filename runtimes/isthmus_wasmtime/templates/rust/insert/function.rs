// An insert function: what a handler returns goes on. A handler that is left out blocks its type of event;
// Error::drop_event, or returning None, drops one.
mod isthmus;

use isthmus::{Call, Result};

fn pass(call: Call) -> Result {
    Ok(Some(call.event))
}

isthmus::handlers! {
    onTrack => pass,
    onIdentify => pass,
    onPage => pass,
    onScreen => pass,
    onGroup => pass,
    onAlias => pass,
    onDelete => pass,
}
