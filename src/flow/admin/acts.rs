//! What operators do, written down with who did it: a line of the log, and what the authorization log has of it.
//!
//! Not here: the line that every request has (`record`).

use serde_json::{Value, json};

use super::operator::Operator;
use crate::ports::Platform;
use crate::record::RequestRecord;

/// Writes one line of something that was done. `about` is an object of facts: ids and versions, never a secret.
pub fn note<P: Platform>(platform: &P, record: &RequestRecord, operator: &Operator, act: &'static str, about: Value) {
    record.act(act);
    record.operator(operator.as_str());
    let about_whom = |name| about.get(name).and_then(Value::as_str);
    if let Some(subject) = about_whom("subject") {
        record.subject(subject);
    }
    if let Some(client) = about_whom("client") {
        record.client(client);
    }
    if let Some(server) = about_whom("server") {
        record.server(server);
    }
    let mut line = json!({
        "event": "operator_act",
        "request_id": record.id(),
        "operator": operator.as_str(),
        "act": act,
    });
    if let (Some(line), Value::Object(about)) = (line.as_object_mut(), about) {
        line.extend(about);
    }
    platform.record(&line.to_string());
}
