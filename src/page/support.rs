//! What a page tells support of its request: to read, to copy and to keep as a file, without scripts and without asking
//! the gateway again.
//!
//! Not here: what is in it and what is cut (`record`).

use base64ct::{Base64, Encoding};

/// Everything the gateway knows of a request by the time that it fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportCopy {
    /// As JSON, in lines.
    pub text: String,
    /// The request it is of.
    pub request_id: String,
    /// Where the same is with what the gateway wrote down, for whoever is signed in.
    pub own_entries: Option<String>,
}

impl SupportCopy {
    /// The file as an address: nothing is asked for, so it works where storage does not answer.
    pub(super) fn href(&self) -> String {
        format!("data:application/json;base64,{}", Base64::encode_string(self.text.as_bytes()))
    }

    /// The file's name.
    pub(super) fn file(&self) -> String {
        format!("request-{}.json", self.request_id)
    }
}
