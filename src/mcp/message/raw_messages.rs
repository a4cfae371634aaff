//! The messages of a body as the bytes they are, for who has to look at the arguments of a call.
//!
//! Not here: whether they may be read at all ([`super::envelope`], which is asked first), and what the arguments mean.

use serde_json::value::RawValue;

use super::raw_object::RawObject;

/// What cannot be read: no JSON, so that whoever reads on finds that out.
const UNREADABLE: &str = "";

/// The messages, in the order of the [`super::Payload`].
pub struct RawMessages<'a>(Vec<&'a str>);

impl<'a> RawMessages<'a> {
    /// Cuts a body that was taken for a payload.
    pub fn of(body: &'a [u8]) -> Self {
        let text = std::str::from_utf8(body).unwrap_or(UNREADABLE);
        if !text.trim_start().starts_with('[') {
            return Self(vec![text]);
        }
        let batch: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
        Self(batch.into_iter().map(RawValue::get).collect())
    }

    /// The JSON of `params.arguments` of one of them, if it has any. An empty text where that cannot be told.
    pub fn arguments(&self, index: usize) -> Option<&'a str> {
        let object = |json| RawObject::parse(json).ok_or(UNREADABLE);
        let found = || {
            let message = object(self.0.get(index).copied().unwrap_or(UNREADABLE))?;
            let Some(params) = message.into_json("params").filter(|json| *json != "null") else { return Ok(None) };
            Ok(object(params)?.into_json("arguments"))
        };
        found().unwrap_or_else(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(body: &str) -> Option<&str> {
        RawMessages::of(body.as_bytes()).arguments(0)
    }

    #[test]
    fn arguments_are_as_they_were_written() {
        assert_eq!(
            arguments(r#" {"params":{"name":"a","argumen\u0074s":{ "x" : 1.0 }},"id":1}"#),
            Some(r#"{ "x" : 1.0 }"#)
        );
        for none in [r#"{"params":{"name":"a"}}"#, r#"{"params":null}"#, r#"{"arguments":{}}"#, "{}"] {
            assert_eq!(arguments(none), None, "{none}");
        }
    }

    #[test]
    fn each_message_of_a_batch_has_its_own() {
        let messages = RawMessages::of(br#" [{"params":{"arguments":{"a":1}}},{"id":2},{"params":{"arguments":[]}}]"#);
        let all: Vec<_> = (0..4).map(|index| messages.arguments(index)).collect();
        assert_eq!(all, [Some(r#"{"a":1}"#), None, Some("[]"), Some(UNREADABLE)]);
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_no_arguments() {
        for body in ["", "{", "[", "5", "[1", r#"{"params":[{"arguments":{}}]}"#, r#"{"params":"x"}"#] {
            assert_eq!(arguments(body), Some(UNREADABLE), "{body}");
        }
        assert_eq!(RawMessages::of(b"\xff{}").arguments(0), Some(UNREADABLE));
    }
}
