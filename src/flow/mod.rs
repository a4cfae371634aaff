//! One file for each step a person would name. The only async code outside `edge/`: it fetches, stores and
//! orchestrates.
//!
//! Not here: decisions. What is allowed is decided by the pure layers; flows lift their refusals into [`Failure`]s.

pub mod account;
pub mod admin;
pub mod agents;
pub mod allowance;
pub mod api_keys;
pub mod authorization_log;
pub mod authorize;
pub mod bound;
pub mod call;
pub mod client;
pub mod config;
pub mod connect;
pub mod connection;
pub mod discover;
pub mod dpop;
pub mod external;
pub mod holdings;
pub mod introspect;
pub mod leaving;
pub mod login;
pub mod logout;
pub mod metrics;
pub mod once;
mod profile;
pub mod revocation;
pub mod signature;
pub mod token;
pub mod upstream;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use base64ct::{Base64UrlUnpadded, Encoding};
use url::Url;

use crate::config::{Config, Origin, SecretName, Server};
use crate::headers::HeaderMap;
use crate::memory::Memory;
use crate::oauth::client::redirect_policy::RedirectPolicy;
use crate::oauth::scope::ScopeSet;
use crate::ports::{Platform, ReadError, Stream};
use crate::record::RequestRecord;
use crate::secret::Secret;
use crate::time::{Lifetime, Timestamp};
use crate::vault::KeyRing;
use crate::web::failure::{Blame, Failure};
use crate::web::reply::Reply;
use crate::web::route::ResourceForm;

/// What a flow answers.
pub type Answered<P> = Result<Reply<<P as crate::ports::Outbound>::Stream>, Failure>;

/// One request's surroundings: the world, the memory, and what was found out before its flow began.
pub struct RequestContext<'a, P> {
    /// The ports.
    pub platform: &'a P,
    /// The isolate's memory.
    pub memory: &'a Memory,
    /// The time of this request.
    pub now: Timestamp,
    /// What is written down of this request.
    pub record: &'a RequestRecord,
    /// The configuration in effect.
    pub config: Rc<Config>,
    /// The public origin the request came to: the issuer.
    pub origin: Origin,
    /// The host it came to, where that is a server's own.
    pub host: Option<Origin>,
    /// The key ring.
    pub keys: Rc<KeyRing>,
}

/// A request whose body has been set aside.
pub struct Head {
    /// Its method, in capitals as it came.
    pub method: String,
    /// Its URL.
    pub url: Url,
    /// Its headers, as far as anything here reads them.
    pub headers: HeaderMap,
    /// How many bytes the others have.
    pub unread: usize,
}

impl Head {
    /// A header's value, if it is there once.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The token that is sent as `Authorization: Bearer`, if there is one.
    pub fn bearer(&self) -> Option<&str> {
        credentials(self.header("authorization")?, "Bearer").filter(|token| !token.is_empty())
    }

    /// The media type of the body, without its parameters.
    pub fn media_type(&self) -> &str {
        self.header("content-type").and_then(|value| value.split(';').next()).unwrap_or_default().trim()
    }

    /// Whether a browser comes to show the answer: it asks for HTML by name, and for nothing that clients of the API
    /// ask for.
    pub fn wants_page(&self) -> bool {
        let accept = self.header("accept").unwrap_or_default();
        let media = |range: &str| range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let lists = |wanted: &str| accept.split(',').any(|range| media(range) == wanted);
        matches!(self.method.as_str(), "GET" | "HEAD")
            && lists("text/html")
            && !lists("text/event-stream")
            && !lists("application/json")
    }

    /// The raw query.
    pub fn query(&self) -> &str {
        self.url.query().unwrap_or_default()
    }
}

impl<P: Platform> RequestContext<'_, P> {
    /// The id that the answer and the log line carry.
    pub fn request_id(&self) -> &str {
        self.record.id()
    }

    /// An absolute URL of ours.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin.as_str())
    }

    /// An absolute URL of the host that the request came to.
    pub fn here(&self, path: &str) -> String {
        format!("{}{path}", self.host.as_ref().unwrap_or(&self.origin).as_str())
    }

    /// The resource that a server is where the request came to.
    pub fn resource<'s>(&'s self, server: &'s Server) -> ResourceForm<'s> {
        match &server.host {
            Some(own) if self.host.as_ref() == Some(own) => ResourceForm::Host(own),
            _ => ResourceForm::Path(&self.origin, server),
        }
    }

    /// Whether everybody may see which servers there are: in development, or where the configuration says so.
    pub fn shows_servers(&self) -> bool {
        self.config.public_index || self.origin.is_loopback()
    }

    /// Where clients that nobody vouches for may be redirected to.
    pub fn redirect_policy(&self) -> RedirectPolicy {
        RedirectPolicy { patterns: self.config.clients.redirect_patterns.clone() }
    }

    /// 256 unpredictable bits as text.
    pub fn secret(&self) -> Secret {
        Secret::new(Base64UrlUnpadded::encode_string(&self.platform.random::<32>()))
    }

    /// 128 unpredictable bits as text.
    pub fn id(&self) -> String {
        Base64UrlUnpadded::encode_string(&self.platform.random::<16>())
    }
}

/// Runs a flow in a place of its own. What is awaited as it is becomes part of the function that awaits it: without
/// this all flows together were one function of 226 KB, and every request made room for the state of all of them.
pub fn boxed<'f, T>(flow: impl Future<Output = T> + 'f) -> Pin<Box<dyn Future<Output = T> + 'f>> {
    Box::pin(flow)
}

/// Two questions at once, where neither answer decides whether the other is asked for.
pub async fn join<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut first, mut second) = (None, None);
    poll_fn(|context| {
        if first.is_none()
            && let Poll::Ready(value) = one.as_mut().poll(context)
        {
            first = Some(value);
        }
        if second.is_none()
            && let Poll::Ready(value) = other.as_mut().poll(context)
        {
            second = Some(value);
        }
        match (first.take(), second.take()) {
            (Some(one), Some(other)) => Poll::Ready((one, other)),
            (one, other) => {
                (first, second) = (one, other);
                Poll::Pending
            }
        }
    })
    .await
}

/// An error of a pure layer as a sentence: those begin small and have no full stop.
pub fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    let stop = if text.ends_with('.') { "" } else { "." };
    first.into_iter().chain(characters).chain(stop.chars()).collect()
}

/// What follows a scheme in an `Authorization` header; the case of the scheme's letters is no matter (RFC 9110 §11.1).
pub fn credentials<'v>(authorization: &'v str, scheme: &str) -> Option<&'v str> {
    let (own, credentials) = authorization.split_once(' ').unwrap_or((authorization, ""));
    own.eq_ignore_ascii_case(scheme).then(|| credentials.trim())
}

/// What every call needs, and what a request without scope means.
pub fn default_scope() -> ScopeSet {
    ScopeSet::of(&[ScopeSet::TOOLS])
}

/// The longest name that somebody gives an account, an API key or an agent, characters.
pub const LONGEST_NAME: usize = 80;

/// A secret that the configuration names is not there. `needed` says by what, to follow "which".
pub fn secret_missing(reason: &'static str, name: &SecretName, needed: &str) -> Failure {
    let message = format!("The secret {name}, which {needed}, is not set.");
    Failure::new(Blame::Operator, 503, reason, message)
        .fix(format!("The operator must set it: npx wrangler secret put {name}."))
}

/// How long a client may take to send a small body.
const BODY_DEADLINE: Lifetime = Lifetime(15);

/// Reads a small body: a form, a registration.
pub async fn read_small<S: Stream>(body: S, limit: usize) -> Result<Vec<u8>, Failure> {
    body.read(limit, BODY_DEADLINE).await.map_err(|error| unreadable(error, limit))
}

/// A body of a client's that could not be read.
pub fn unreadable(error: ReadError, limit: usize) -> Failure {
    match error {
        ReadError::TooLarge => {
            Failure::client(413, "body_too_large", format!("The request body is larger than {limit} bytes."))
                .fix("Send less, or ask the operator to raise limits.body_bytes.")
        }
        ReadError::Broken => {
            Failure::client(400, "body_incomplete", "The request body ended early or took too long to arrive.")
                .fix("Send the request again.")
        }
    }
}
