// A source function: gets a webhook, and says by isthmus::send what it means.
// The messages go out only if it ends without an error.
mod isthmus;

use isthmus::{Call, Error, Result, Value};
use serde_json::json;

fn request(call: Call) -> Result {
    let mut body: Value = serde_json::from_str(call.event["body"].as_str().unwrap_or(""))?;
    let user = body["user"].take();
    if user["id"].as_str().map_or(true, str::is_empty) {
        return Err(Error::invalid_event_payload("the webhook names no user"));
    }

    isthmus::send(json!({ "type": "identify", "userId": user["id"], "traits": { "email": user["email"] } }))?;

    let mut properties = body["details"].take();
    properties["source"] = json!(isthmus::header(&call.event["headers"], "X-Source").unwrap_or("webhook"));
    isthmus::send(json!({ "type": "track", "event": body["event"], "userId": user["id"], "properties": properties }))?;
    Ok(None)
}

isthmus::handlers! { onRequest => request }
