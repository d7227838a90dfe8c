// A destination function: each handler gets one event and the settings of one instance.
// A handler that is left out makes its type of event unsupported.
mod isthmus;

use isthmus::{Call, Error, Result};

fn deliver(call: Call) -> Result {
    let headers = [("Content-Type", "application/json")];
    let response = isthmus::fetch("POST", call.setting("endpoint"), &headers, Some(&call.event.to_string()))
        .map_err(|error| Error::retry(error.message))?; // no answer: try again later

    match response.status {
        429 | 500..=599 => Err(Error::retry(format!("the server answered {}", response.status))),
        400..=499 => Err(Error::invalid_event_payload(format!("the server answered {}", response.status))),
        _ => Ok(None),
    }
}

isthmus::handlers! {
    onTrack => deliver,
    onIdentify => deliver,
    onPage => deliver,
    onScreen => deliver,
    onGroup => deliver,
}
