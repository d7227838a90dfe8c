//! Functions for isthmus in Rust.
//!
//! ```
//! mod isthmus;
//!
//! fn track(call: isthmus::Call) -> isthmus::Result {
//!     if call.event["event"] != "Order Completed" {
//!         return Err(isthmus::Error::event_not_supported("only orders are sent on"));
//!     }
//!     Ok(None)
//! }
//!
//! isthmus::handlers! { onTrack => track }
//! ```
//!
//! A handler that is left out makes its type of event unsupported. What is printed on standard error is logged too.

#![allow(dead_code)]

use std::io::{Read, Write};

use serde_json::json;
pub use serde_json::Value;

/// What a handler returns: a value, nothing, or an error.
pub type Result = std::result::Result<Option<Value>, Error>;

/// One call of one handler.
pub struct Call {
    /// Its name: `onTrack`.
    pub handler: String,
    /// The event; for `onBatch` an array of events; for `onRequest` the request: `url`, `method`, `headers`, `body`.
    pub event: Value,
    /// An object.
    pub settings: Value,
}

impl Call {
    /// A setting's text, "" where it has none.
    pub fn setting(&self, name: &str) -> &str {
        self.settings[name].as_str().unwrap_or("")
    }
}

/// An error with the name that isthmus goes by.
#[derive(Debug)]
pub struct Error {
    pub name: String,
    pub message: String,
}

impl Error {
    /// An error of any name.
    pub fn new(name: &str, message: impl Into<String>) -> Error {
        Error { name: name.into(), message: message.into() }
    }

    /// Has the event tried again later.
    pub fn retry(message: impl Into<String>) -> Error {
        Error::new("RetryError", message)
    }

    /// Refuses an event of which the function knows nothing.
    pub fn event_not_supported(message: impl Into<String>) -> Error {
        Error::new("EventNotSupported", message)
    }

    /// Refuses an event that is not as it should be.
    pub fn invalid_event_payload(message: impl Into<String>) -> Error {
        Error::new("InvalidEventPayload", message)
    }

    /// Refuses an event, as `invalid_event_payload` does.
    pub fn validation(message: impl Into<String>) -> Error {
        Error::new("ValidationError", message)
    }

    /// Has an insert leave its event out.
    pub fn drop_event(message: impl Into<String>) -> Error {
        Error::new("DropEvent", message)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Error {
        Error::invalid_event_payload(error.to_string())
    }
}

/// Says which function is which handler: `handlers! { onTrack => track, onPage => page }`.
macro_rules! handlers {
    ($($name:ident => $handler:expr),+ $(,)?) => {
        $(
            #[no_mangle]
            #[allow(non_snake_case)]
            pub extern "C" fn $name() {
                $crate::isthmus::run($handler)
            }
        )+
    };
}
pub(crate) use handlers;

/// Runs a handler on the call that is there, and hands out what it returns.
pub fn run(handler: impl FnOnce(Call) -> Result) {
    let reply = match read().and_then(handler) {
        Ok(Some(value)) => json!({ "return": value }),
        Ok(None) => return,
        Err(error) => json!({ "error": { "name": error.name, "message": error.message } }),
    };
    let mut output = std::io::stdout();
    output.write_all(reply.to_string().as_bytes()).and_then(|_| output.flush()).expect("standard output is there");
}

fn read() -> std::result::Result<Call, Error> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).expect("standard input is there");
    let mut call: Value = serde_json::from_str(&input)?;
    let event = ["event", "events", "request"].iter().find_map(|name| call.get_mut(*name).map(Value::take));
    Ok(Call {
        handler: call["handler"].as_str().unwrap_or("").to_string(),
        event: event.unwrap_or(Value::Null),
        settings: call["settings"].take(),
    })
}

/// A line for the log; `level` is debug, info, warn or error.
pub fn log(level: &str, text: &str) {
    let _ = ask(json!({ "op": "log", "level": level, "text": text }));
}

/// A message of a source function: `send(json!({ "type": "track", "event": ..., "userId": ... }))`.
pub fn send(message: Value) -> std::result::Result<(), Error> {
    ask(json!({ "op": "send", "message": message })).map(|_| ())
}

/// What came of a request. The body is text; where it is not UTF-8, Base64 of it.
pub struct Response {
    pub status: u16,
    pub headers: Value,
    pub body: String,
}

/// Sends a request; without a response the error is named FetchError.
pub fn fetch(method: &str, url: &str, headers: &[(&str, &str)], body: Option<&str>) -> std::result::Result<Response, Error> {
    let value = ask(json!({ "op": "fetch", "method": method, "url": url, "headers": headers, "body": body }))?;
    Ok(Response {
        status: value["status"].as_u64().unwrap_or(0) as u16,
        headers: value["headers"].clone(),
        body: value["body"].as_str().unwrap_or("").to_string(),
    })
}

/// A header by its name in any case, of a request's or a response's headers.
pub fn header<'a>(headers: &'a Value, name: &str) -> Option<&'a str> {
    let pairs = headers.as_array()?;
    let found = pairs.iter().find(|pair| pair[0].as_str().map_or(false, |own| own.eq_ignore_ascii_case(name)));
    found.and_then(|pair| pair[1].as_str())
}

/// Asks the host anything it knows: fetch, sleep, cache_load, cache_store, ...; the value it answers with.
pub fn ask(request: Value) -> std::result::Result<Value, Error> {
    let text = request.to_string();
    let mut answered = vec![0; unsafe { host::ask(text.as_ptr(), text.len()) }];
    unsafe { host::answer(answered.as_mut_ptr()) };
    let mut reply: Value = serde_json::from_slice(&answered)?;
    match reply.get("error") {
        Some(error) => Err(Error::new(
            error["name"].as_str().unwrap_or("Error"),
            error["message"].as_str().unwrap_or(""),
        )),
        None => Ok(reply["value"].take()),
    }
}

mod host {
    #[link(wasm_import_module = "isthmus")]
    extern "C" {
        pub fn ask(at: *const u8, length: usize) -> usize;
        pub fn answer(at: *mut u8);
    }
}
