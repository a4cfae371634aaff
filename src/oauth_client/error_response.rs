//! The error response of somebody else's authorization server (RFC 6749 §5.2, RFC 7591 §3.2.2), as far as it can be
//! read: it is shown, so nothing is demanded of it.
//!
//! Not here: what a code means (`token`, `registration`, `login::oidc`).

use serde::Deserialize;
use serde_json::Value;

use crate::json;
use crate::untrusted::Sent;

/// A code and a description, where there are any.
#[derive(Deserialize, Default)]
pub struct OauthErrorBody {
    error: Option<Value>,
    error_description: Option<Value>,
}

impl OauthErrorBody {
    /// Of a body that may as well be a page.
    pub fn read(bytes: &[u8]) -> Self {
        json::read(bytes).unwrap_or_default()
    }

    /// The code as it came: to compare it, not to show it.
    pub fn code(&self) -> Option<&str> {
        self.error.as_ref().and_then(Value::as_str)
    }

    /// The code to show. `sent` is what is not to be shown of the request.
    pub fn shown_code(&self, sent: &Sent) -> Option<String> {
        self.code().map(|code| sent.presentable(code))
    }

    /// The description to show.
    pub fn description(&self, sent: &Sent) -> Option<String> {
        self.error_description.as_ref().and_then(Value::as_str).map(|description| sent.presentable(description))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn what_can_be_read_is_shown_without_what_was_sent() {
        let sent = Sent::default().with(&Secret::new("code-7"));
        let read = OauthErrorBody::read(br#"{"error":"no\"code-7","error_description":"bad code-7","x":1}"#);
        assert_eq!(read.code(), Some("no\"code-7"));
        assert_eq!(read.shown_code(&sent).as_deref(), Some("no?[cut]"));
        assert_eq!(read.description(&sent).as_deref(), Some("bad [cut]"));
        let half = OauthErrorBody::read(br#"{"error":"no","error_description":7}"#);
        assert_eq!((half.code(), half.description(&sent)), (Some("no"), None));
        for body in ["", "<html>", "[]", "null", "{}", r#"{"error":7}"#] {
            let read = OauthErrorBody::read(body.as_bytes());
            assert!(read.code().is_none() && read.shown_code(&sent).is_none(), "{body}");
        }
    }
}
