//! How often callers may call, where the configuration says so.
//!
//! Counted near the caller and approximately, against floods. Where it cannot be counted calls go on: who they are and
//! what they may do is decided elsewhere. Not here: how many at once (`flow::call::load`), and limits of addresses
//! (`flow::allowance`).

use super::context::Call;
use crate::caller::By;
use crate::headers::{HeaderValue, RETRY_AFTER};
use crate::mcp::message::envelope::{Message, Payload};
use crate::ports::{Limited, Platform};
use crate::time::PerMinute;
use crate::web::failure::Failure;

impl<P: Platform> Call<'_, P> {
    /// Refuses messages above a limit of the caller's own. Each member of a batch counts. Asks nobody where nothing is
    /// limited.
    pub async fn keeps_within_limits(&self, payload: &Payload) -> Result<(), Failure> {
        let (limits, caller, times) = (&self.context.config.limits, self.caller, messages(payload).len());
        if let (Some(rate), By::Key { id, .. }) = (limits.per_key, &caller.by) {
            self.count(times, rate, ("key", id.as_str()), key_limited).await?;
        }
        if let Some(rate) = limits.per_client {
            match &caller.by {
                By::AccessToken { client, .. } | By::Machine { client, .. } | By::Agent { client, .. } => {
                    self.count(times, rate, ("client", client), client_limited).await?;
                }
                // A client is called what its issuer calls it.
                By::External { issuer, client: Some(client) } => {
                    let client = format!("{issuer} {client}");
                    self.count(times, rate, ("client of", &client), client_limited).await?;
                }
                By::External { client: None, .. } | By::Key { .. } => {}
            }
        }
        if let Some(rate) = limits.per_subject {
            self.count(times, rate, ("subject", caller.responsible()), subject_limited).await?;
        }
        Ok(())
    }

    /// Refuses messages above a limit that all callers share. Only what the caller may send counts, or whoever may not
    /// would use up what others have.
    pub async fn keeps_within_shared_limits(&self, payload: &Payload) -> Result<(), Failure> {
        let (own, slug, messages) = (&self.server.limits, self.server.slug.as_str(), messages(payload));
        for (tool, rate) in messages.iter().filter_map(called).filter_map(|name| own.of_tool(name)) {
            self.count(1, rate, ("tool", &format!("{slug} {tool}")), tool_limited).await?;
        }
        if let Some(rate) = own.per_server {
            self.count(messages.len(), rate, ("server", slug), server_limited).await?;
        }
        Ok(())
    }

    async fn count(
        &self,
        times: usize,
        rate: PerMinute,
        (kind, who): (&str, &str),
        refusal: fn() -> Failure,
    ) -> Result<(), Failure> {
        let key = format!("{kind} {who}");
        for _ in 0..times {
            if !self.context.platform.allow(Limited::Configured(rate), &key).await.unwrap_or(true) {
                return Err(refusal().header(RETRY_AFTER, HeaderValue::from_static("60")));
            }
        }
        Ok(())
    }
}

fn messages(payload: &Payload) -> &[Message] {
    match payload {
        Payload::One(message) => std::slice::from_ref(message),
        Payload::Batch(messages) => messages,
    }
}

/// The tool that a message calls.
fn called(message: &Message) -> Option<&str> {
    message.name.as_deref().filter(|_| message.method() == Some("tools/call"))
}

fn key_limited() -> Failure {
    limited(Failure::client(429, "key_rate_limited", "This API key has sent too many messages."))
}

fn client_limited() -> Failure {
    limited(Failure::client(
        429,
        "client_rate_limited",
        "This client has sent too many messages, for all who use it together.",
    ))
}

fn subject_limited() -> Failure {
    limited(Failure::client(
        429,
        "subject_rate_limited",
        "You have sent too many messages, with all your clients together.",
    ))
}

fn tool_limited() -> Failure {
    limited(Failure::client(429, "tool_rate_limited", "This tool was called too often, by all who use it together."))
}

fn server_limited() -> Failure {
    limited(Failure::client(
        429,
        "server_rate_limited",
        "This server was sent too many messages, by all who use it together.",
    ))
}

fn limited(failure: Failure) -> Failure {
    failure.fix("Nothing was sent to the server. Wait a minute, then send it again.")
}
