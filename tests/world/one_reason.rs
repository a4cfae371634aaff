//! Whatever a test asks for: a reason code is the same in the answer, in the log and in what is counted. So every reason
//! that any journey or attack provokes is looked at in all three places.
//!
//! Not here: that a reason is unique and that the documents explain it (`tidy`).

use serde_json::Value;

use super::answer::Answer;
use super::platform::InMemory;

/// What the log and the counters have of a request that has just been answered.
pub struct Seen {
    /// Its line, where the configuration leaves it in.
    line: Option<Value>,
    counted: String,
    blame: String,
}

impl Seen {
    /// Of the request that was answered last. Nothing may be awaited after that.
    pub fn last(platform: &InMemory) -> Self {
        let journal = platform.journal.borrow();
        let mut lines = journal.iter().rev().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let line = lines.find(|line| line["event"].is_null());
        let observed = platform.shards.observed.borrow();
        let (texts, _) = observed.last().unwrap();
        Self { line, counted: texts[1].clone(), blame: texts[2].clone() }
    }

    /// Compares it with the answer.
    pub fn compare(self, answer: &Answer) {
        let Self { line, counted, blame } = self;
        let told = std::str::from_utf8(&answer.body).unwrap_or_default();
        let id = answer.header("x-request-id").unwrap_or_default();
        if let Some(line) = line.filter(|line| line["request_id"] == id) {
            assert_eq!(line["reason"].as_str().unwrap_or_default(), counted, "the log and the counters: {told}");
            assert_eq!(line["blame"].as_str().unwrap_or_default(), blame, "the log and the counters: {told}");
        }
        let json: Value = serde_json::from_str(told).unwrap_or_default();
        let errors = [&json, &json["error"]["data"]];
        for error in errors.into_iter().filter(|error| error["request_id"] == id) {
            // What is found out while a body passes is a line of its own, after the request's.
            if let Some(reason) = error["reason"].as_str().filter(|reason| *reason != "upstream_unreadable") {
                assert_eq!(reason, counted, "the answer and the counters: {told}");
            }
        }
        let says_why = !blame.is_empty() && !(300..400).contains(&answer.status) && !answer.body.is_empty();
        assert!(!says_why || told.contains(&counted), "{counted} is not in the answer: {told}");
    }
}
