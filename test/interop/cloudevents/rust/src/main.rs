//! Reads requests, a line of JSON each, with the CloudEvents SDK, and prints what they are to it.

use base64::{Engine, prelude::BASE64_STANDARD};
use cloudevents::{AttributesReader, Data, Event, binding::http::to_event};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

fn main() {
    for line in std::io::stdin().lines() {
        println!("{}", read(&line.expect("a line")));
    }
}

fn read(line: &str) -> Value {
    let request: Value = serde_json::from_str(line).expect("JSON");
    let mut headers = HeaderMap::new();
    for (name, value) in request["headers"].as_object().expect("headers") {
        let name = HeaderName::try_from(name).expect("a name");
        let value = HeaderValue::try_from(value.as_str().expect("text")).expect("a value");
        headers.insert(name, value);
    }
    let body = BASE64_STANDARD.decode(request["body"].as_str().expect("text")).expect("base64");
    match to_event(&headers, body) {
        Ok(event) => shown(&event),
        Err(error) => json!({"refused": error.to_string()}),
    }
}

fn shown(event: &Event) -> Value {
    let mut printed = json!({
        "id": event.id(),
        "source": event.source(),
        "type": event.ty(),
        "subject": event.subject(),
        "tenant": event.extension("tenant").map(ToString::to_string),
        "time": event.time().map(|time| time.timestamp_millis()),
    });
    match event.data() {
        Some(Data::Binary(bytes)) => printed["bytes"] = json!(BASE64_STANDARD.encode(bytes)),
        Some(Data::String(text)) => printed["bytes"] = json!(BASE64_STANDARD.encode(text)),
        Some(Data::Json(value)) => printed["data"] = value.clone(),
        None => {}
    }
    printed
}
