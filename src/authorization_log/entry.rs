//! One entry: at most one for a request. Its JSON is at rest in the log's objects and is what operators get, so its
//! form is an interface.
//!
//! Not here: when there is one (`record`). No field holds an argument, a result, a token, a code, a verifier or a
//! secret.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::version::V1;

/// What a request was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A request at the authorization endpoint.
    Authorization,
    /// A person signed in.
    SignIn,
    /// A person answered the consent page.
    Consent,
    /// An account at a server was connected, disconnected, chosen or skipped.
    Connection,
    /// A code was redeemed.
    Token,
    /// A refresh token was used.
    Refresh,
    /// Access was ended, by the client, the person or the identity provider.
    Revocation,
    /// An operator did something.
    Operator,
    /// A call to a server that was refused.
    Call,
    /// A resource server asked about a token.
    Introspection,
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogStep {
    /// Its name.
    pub step: Cow<'static, str>,
    /// `ok`, what was found, or the reason code of the refusal.
    pub outcome: Cow<'static, str>,
}

/// What is known of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Its form.
    pub v: V1,
    /// When the request ended, in milliseconds since the epoch.
    pub at: u64,
    /// The id that the answer carried.
    pub request_id: String,
    /// What it was.
    pub kind: EntryKind,
    /// The id that joins the requests of one authorization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Which operator did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
    /// Whose it is, or whom it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Who stands behind an agent whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sponsor: Option<String>,
    /// The client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The server, by its slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The scopes that were asked for, or granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
    /// The method of a call.
    #[serde(default, rename = "mcp.method.name", skip_serializing_if = "Option::is_none")]
    pub mcp_method: Option<String>,
    /// The tool of a call.
    #[serde(default, rename = "gen_ai.tool.name", skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// The reason code, where it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who must act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blame: Option<String>,
    /// What each step came to, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<LogStep>,
    /// How many like it there were of which only this one is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<u32>,
}

impl EntryKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Authorization,
        Self::SignIn,
        Self::Consent,
        Self::Connection,
        Self::Token,
        Self::Refresh,
        Self::Revocation,
        Self::Operator,
        Self::Call,
        Self::Introspection,
    ];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::SignIn => "sign_in",
            Self::Consent => "consent",
            Self::Connection => "connection",
            Self::Token => "token",
            Self::Refresh => "refresh",
            Self::Revocation => "revocation",
            Self::Operator => "operator",
            Self::Call => "call",
            Self::Introspection => "introspection",
        }
    }
}

impl LogStep {
    /// A step and its outcome.
    pub const fn new(step: &'static str, outcome: &'static str) -> Self {
        Self { step: Cow::Borrowed(step), outcome: Cow::Borrowed(outcome) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn entry() -> LogEntry {
        LogEntry {
            v: V1,
            at: 1_900_000_000_123,
            request_id: "00112233445566778899aabbccddeeff".to_owned(),
            kind: EntryKind::Token,
            operation: Some("BDpxh3TFcr2KJa2-sb_NXA".to_owned()),
            actor: None,
            act: None,
            subject: Some("dev:alice".to_owned()),
            sponsor: None,
            client: Some("claude".to_owned()),
            server: Some("docs".to_owned()),
            scopes: Some("mcp:tools".to_owned()),
            mcp_method: None,
            tool: None,
            status: 400,
            reason: Some("code_used".to_owned()),
            blame: Some("client".to_owned()),
            steps: vec![LogStep::new("client_authentication", "ok"), LogStep::new("code", "code_used")],
            stands_for: Some(16),
        }
    }

    #[test]
    fn the_stored_form_is_pinned() {
        let golden = concat!(
            r#"{"v":1,"at":1900000000123,"request_id":"00112233445566778899aabbccddeeff","kind":"token","#,
            r#""operation":"BDpxh3TFcr2KJa2-sb_NXA","subject":"dev:alice","client":"claude","server":"docs","#,
            r#""scopes":"mcp:tools","status":400,"reason":"code_used","blame":"client","#,
            r#""steps":[{"step":"client_authentication","outcome":"ok"},{"step":"code","outcome":"code_used"}],"#,
            r#""stands_for":16}"#
        );
        assert_eq!(serde_json::to_string(&entry()).unwrap(), golden);
        assert_eq!(json::read::<LogEntry>(golden.as_bytes()).unwrap(), entry());
        let agents = LogEntry { sponsor: entry().subject, subject: Some("agent:x".to_owned()), ..entry() };
        let golden = golden.replace(r#""dev:alice""#, r#""agent:x","sponsor":"dev:alice""#);
        assert_eq!(serde_json::to_string(&agents).unwrap(), golden);
        assert_eq!(json::read::<LogEntry>(golden.as_bytes()).unwrap(), agents);
        let least = concat!(
            r#"{"v":1,"at":1,"request_id":"r","kind":"operator","actor":"admin_token","act":"subject_revoked","#,
            r#""mcp.method.name":"tools/call","gen_ai.tool.name":"echo","status":200}"#
        );
        let read: LogEntry = json::read(least.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), least);
    }

    #[test]
    fn a_kind_has_one_name() {
        for kind in EntryKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("{:?}", kind.as_str()));
        }
    }
}
