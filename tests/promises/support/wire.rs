//! What went over the wire, decoded.

use serde_json::Value;
use vestibule_dev::proxy::Recorder;
use vestibule_protocol::frame;
use vestibule_protocol::message::FromAgent;

/// Every complete message that left, as it was sent, in order.
pub(crate) fn frames_sent(recorder: &Recorder) -> Vec<Vec<u8>> {
    recorder.captures().iter().flat_map(|capture| capture.sent().messages).collect()
}

/// The same, decompressed: JSON text.
pub(crate) fn texts_sent(recorder: &Recorder) -> Vec<Vec<u8>> {
    frames_sent(recorder).iter().map(|frame| frame::decode(frame).unwrap().into_owned()).collect()
}

/// Every complete message that arrived, decompressed.
pub(crate) fn texts_received(recorder: &Recorder) -> Vec<Vec<u8>> {
    let captures = recorder.captures();
    let frames = captures.iter().flat_map(|capture| capture.received().messages);
    frames.map(|frame| frame::decode(&frame).unwrap().into_owned()).collect()
}

/// Every message that left, read.
pub(crate) fn sent(recorder: &Recorder) -> Vec<FromAgent> {
    texts_sent(recorder).iter().map(|json| FromAgent::from_json(json).unwrap()).collect()
}

/// Everything that left and could be read by whoever listens: heads of connections, control frames, messages decompressed, and the
/// bytes as they were.
pub(crate) fn everything_sent(recorder: &Recorder) -> Vec<Vec<u8>> {
    let mut all = texts_sent(recorder);
    for capture in recorder.captures() {
        let spoken = capture.sent();
        all.push(spoken.head);
        all.extend(spoken.control.into_iter().map(|(_, payload)| payload));
        all.push(capture.up);
    }
    all
}

/// Keys of all records that these messages put or delete.
pub(crate) fn keys(messages: &[FromAgent]) -> Vec<String> {
    let mut keys = Vec::new();
    for message in messages {
        match message {
            FromAgent::Push(push) => {
                keys.extend(push.puts.iter().map(|(key, _)| key.to_owned()));
                keys.extend(push.deletes.iter().cloned());
            }
            FromAgent::Batch(batch) => keys.extend(batch.puts.iter().map(|(key, _)| key.to_owned())),
            FromAgent::Enrol(_)
            | FromAgent::Hello(_)
            | FromAgent::Buckets(_)
            | FromAgent::Commit(_)
            | FromAgent::ConsentChanged(_)
            | FromAgent::Erase(_)
            | FromAgent::Report(_)
            | FromAgent::Request(_)
            | FromAgent::Answer(_)
            | FromAgent::Support(_) => {}
        }
    }
    keys
}

/// All texts of a JSON value, keys included; texts that are JSON themselves are opened.
pub(crate) fn strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => strings(&inner, into),
            _ => into.push(text.clone()),
        },
        Value::Array(values) => values.iter().for_each(|value| strings(value, into)),
        Value::Object(fields) => {
            for (name, value) in fields {
                into.push(name.clone());
                strings(value, into);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
