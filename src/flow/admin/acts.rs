//! What operators do, written down with who did it.
//!
//! Not here: the line that every request has (`record`).

use serde_json::{Value, json};

use super::operator::Operator;
use crate::ports::Platform;

/// Writes one line of something that was done. `about` is an object of facts: ids and versions, never a secret.
pub fn note<P: Platform>(platform: &P, request_id: &str, operator: &Operator, act: &str, about: Value) {
    let mut line = json!({
        "event": "operator_act",
        "request_id": request_id,
        "operator": operator.as_str(),
        "act": act,
    });
    if let (Some(line), Value::Object(about)) = (line.as_object_mut(), about) {
        line.extend(about);
    }
    platform.record(&line.to_string());
}
