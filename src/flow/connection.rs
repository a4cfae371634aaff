//! Stub for a while.
//!
//! Not here: anything.

use http::{HeaderName, HeaderValue};

use super::{Site, refusal, secret_missing};
use crate::config::{Auth, Server, Value};
use crate::failure::Failure;
use crate::oauth::access_token::Claims;
use crate::ports::Platform;
use crate::secret::Secret;
use crate::upstream;

/// x
pub enum Credential {
    /// x
    Ready {
        /// x
        headers: Vec<(HeaderName, HeaderValue)>,
        /// x
        seen: Option<u64>,
    },
    /// x
    Needed(Need),
}

/// x
#[derive(Debug, Clone)]
pub struct Need {
    /// x
    pub dead: bool,
    /// x
    pub scope: Option<String>,
}

/// x
pub async fn credential<P: Platform>(
    site: &Site<'_, P>,
    server: &Server,
    claims: &Claims,
) -> Result<Credential, Failure> {
    if !server.is_personal() && !server.is_connected_by_operator() {
        return Ok(Credential::Ready { headers: own_headers(site, server)?, seen: None });
    }
    let key = format!("stub:{}:{}", claims.sub, server.slug);
    let found = site.platform.get(&key).await.unwrap_or_default();
    Ok(match found.as_deref().and_then(|text| text.split_once(' ')) {
        Some((seen, token)) => Credential::Ready {
            headers: HeaderValue::from_str(&format!("Bearer {token}"))
                .ok()
                .map(|value| (http::header::AUTHORIZATION, value))
                .into_iter()
                .collect(),
            seen: seen.parse().ok(),
        },
        None => Credential::Needed(Need { dead: found.is_some(), scope: None }),
    })
}

/// x
pub async fn renew<P: Platform>(
    site: &Site<'_, P>,
    server: &Server,
    claims: &Claims,
    seen: u64,
) -> Result<Credential, Failure> {
    let key = format!("stub-next:{}:{}", claims.sub, server.slug);
    let next = site.platform.get(&key).await.unwrap_or_default();
    let key = format!("stub:{}:{}", claims.sub, server.slug);
    let text = next.map_or_else(|| "dead".to_owned(), |next| format!("{} {next}", seen + 1));
    let _ = site.platform.put(&key, &text, None).await;
    credential(site, server, claims).await
}

fn own_headers<P: Platform>(site: &Site<'_, P>, server: &Server) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
    let Auth::Headers(headers) = &server.auth else { return Ok(Vec::new()) };
    let header = |(name, value): &(String, Value)| {
        let value = match value {
            Value::Person { .. } => return Ok(None),
            Value::Literal(text) => Secret::new(text),
            Value::Secret(secret) => site
                .platform
                .secret(secret.as_str())
                .ok_or_else(|| secret_missing("upstream_secret_missing", secret, "this server needs"))?,
        };
        let header = upstream::headers::header(name, &value);
        header.map(Some).map_err(|error| refusal::header_unfit(name, &error))
    };
    headers.iter().filter_map(|own| header(own).transpose()).collect()
}
