//! What the core asks of the world, one trait per guarantee. `edge/` answers them on Workers, the tests' world in
//! memory.
//!
//! Not here: anything that decides. A port that could answer two ways takes the decision's input instead.

use std::fmt;

use http::{Method, Request, StatusCode};
use url::Url;

use crate::authorization_log;
use crate::headers::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use crate::jose::jwks::VerifyingKey;
use crate::metrics::{Sample, command};
use crate::oauth::once::OnceId;
use crate::oauth::{grant, once, subject};
use crate::secret::Secret;
use crate::time::{Lifetime, Millis, PerMinute, Tick, Timestamp};
use crate::upstream::key::ConnectionKey;
use crate::upstream::{connection, issuer};

/// Everything the gateway needs, in one bound.
pub trait Platform:
    Clock + Timer + Entropy + Secrets + Signatures + Outbound + Ledger + Directory + Limiter + Journal + Archive + Meter
{
}

impl<
    P: Clock
        + Timer
        + Entropy
        + Secrets
        + Signatures
        + Outbound
        + Ledger
        + Directory
        + Limiter
        + Journal
        + Archive
        + Meter,
> Platform for P
{
}

/// The time.
pub trait Clock {
    /// Seconds since the epoch as this request began: the one time that it judges by. It stands still, however long the
    /// request waits.
    fn now(&self) -> Timestamp;

    /// The same, read anew: how long something took, and until when what other requests see is good.
    fn moment(&self) -> Timestamp;

    /// The same finer, to tell how long something took. On Workers it stands still between I/O.
    fn tick(&self) -> Tick;
}

/// Waiting.
#[expect(async_fn_in_trait, reason = "futures stay on the isolate's one thread, so no Send bound is wanted")]
pub trait Timer {
    /// Comes back after a while. Other requests go on meanwhile.
    async fn pause(&self, span: Millis);
}

/// Cryptographically secure randomness.
pub trait Entropy {
    /// Fills the buffer with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]);

    /// `N` unpredictable bytes.
    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// The deployment's secrets (Workers secrets), by name.
pub trait Secrets {
    /// The secret, or `None` where the deployment has none of that name.
    fn secret(&self, name: &str) -> Option<Secret>;

    /// The names of all of them, to tell an operator which one was probably meant.
    fn secret_names(&self) -> Vec<String>;
}

/// Public-key signatures, verified by native code of the platform.
#[expect(async_fn_in_trait, reason = "futures stay on the isolate's one thread, so no Send bound is wanted")]
pub trait Signatures {
    /// Whether this key made the signature over the message, with the one algorithm it is for. A key that is none
    /// verifies nothing.
    async fn verify(&self, key: &VerifyingKey, message: &[u8], signature: &[u8]) -> Result<bool, Unavailable>;
}

/// A body not read yet: read once and bounded, or handed on as it is.
#[expect(async_fn_in_trait, reason = "futures stay on the isolate's one thread, so no Send bound is wanted")]
pub trait Stream {
    /// Reads to the end, refusing more than `limit` bytes or longer than `within`.
    async fn read(self, limit: usize, within: Lifetime) -> Result<Vec<u8>, ReadError>;

    /// Gives the connection back without reading.
    async fn discard(self);
}

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadError {
    /// More bytes than allowed.
    TooLarge,
    /// The sender stopped sending before the end, or took too long.
    Broken,
}

/// An HTTP request the gateway sends. `Debug` shows where to and which headers: values and bodies are credentials.
pub struct Outgoing {
    /// Its method.
    pub method: Method,
    /// Where it goes. Redirects are never followed.
    pub url: Url,
    /// All of its headers.
    pub headers: HeaderMap,
    /// Its body; empty for none.
    pub body: Vec<u8>,
    /// How long until the answer must have arrived; of a stream of events only its headers.
    pub within: Lifetime,
}

impl Outgoing {
    /// Asks for a JSON document.
    pub fn document(url: Url, within: Lifetime) -> Self {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        Self { method: Method::GET, url, headers, body: Vec::new(), within }
    }

    /// A request that was made as text; none for a URI that is no URL.
    pub fn of(request: Request<Vec<u8>>, within: Lifetime) -> Option<Self> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).ok()?;
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            let mut text = HeaderValue::try_from(value.to_str().ok()?).ok()?;
            text.set_sensitive(value.is_sensitive());
            Some((HeaderName::parse(name.as_str()).ok()?, text))
        };
        let headers = parts.headers.iter().filter_map(header).collect();
        Some(Self { method: parts.method, url, headers, body, within })
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().collect();
        let place = (self.url.scheme(), self.url.host_str(), self.url.path());
        f.debug_struct("Outgoing")
            .field("method", &self.method)
            .field("place", &place)
            .field("headers", &names)
            .field("body", &self.body.len())
            .field("within", &self.within)
            .finish()
    }
}

/// The answer to an [`Outgoing`], its body unread.
#[derive(Debug)]
pub struct Answer<S> {
    /// Its status, redirects (3xx) included.
    pub status: StatusCode,
    /// Its headers. A value that is not visible ASCII is left out.
    pub headers: HeaderMap,
    /// The first byte, white space aside, of a body that was short enough to be waited for; 0 for an empty one.
    pub opening: Option<u8>,
    /// Its body.
    pub body: S,
}

/// Why no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchError {
    /// No connection, a reset, or bytes that are not HTTP.
    Unreachable,
    /// It did not arrive in time: the headers, or the end of a short one.
    TimedOut,
    /// Whoever the answer was for left, and the request was given up with them.
    ClientGone,
}

/// HTTP to the outside.
#[expect(async_fn_in_trait, reason = "futures stay on the isolate's one thread, so no Send bound is wanted")]
pub trait Outbound {
    /// A body on its way in, from a client or an upstream.
    type Stream: Stream;

    /// Sends one request. Follows no redirect, adds no credential, retries nothing.
    async fn fetch(&self, request: Outgoing) -> Result<Answer<Self::Stream>, FetchError>;

    /// The same, but it goes on, and so does reading the answer, when whoever the answer is for leaves: what it does at
    /// the other end is done once, and only the answer says what came of it.
    async fn fetch_unattended(&self, request: Outgoing) -> Result<Answer<Self::Stream>, FetchError>;
}

/// Storage, or something else of the platform, could not be reached or did not answer sensibly. Always fails closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable;

/// Linearizable: each grant, account, connection, issuer and id that is good once has one place on earth where its
/// commands happen one after the other.
#[expect(async_fn_in_trait, reason = "futures stay on the isolate's one thread, so no Send bound is wanted")]
pub trait Ledger {
    /// Applies a command to one grant ([`grant::apply`]).
    async fn grant(&self, id: &grant::GrantId, command: grant::Command) -> Result<grant::Outcome, Unavailable>;

    /// Applies a command to one subject's account ([`subject::apply`]).
    async fn account(&self, subject: &str, command: subject::Command) -> Result<subject::Outcome, Unavailable>;

    /// Applies a command to one connection ([`connection::apply`]).
    async fn connection(
        &self,
        key: &ConnectionKey,
        command: connection::Command,
    ) -> Result<connection::Outcome, Unavailable>;

    /// Applies a command to what the gateway is registered as at one issuer ([`issuer::apply`]).
    async fn issuer(&self, issuer: &str, command: issuer::Command) -> Result<issuer::Outcome, Unavailable>;

    /// Burns an id until a moment ([`once::apply`]).
    async fn once(&self, id: &OnceId, until: Timestamp) -> Result<once::Outcome, Unavailable>;
}

/// Eventually consistent: readable everywhere within about a minute, cheap to read, never a place to decide a race.
#[expect(async_fn_in_trait, reason = "futures stay on the isolate's one thread, so no Send bound is wanted")]
pub trait Directory {
    /// The value under a key (at most 512 bytes), if there is one.
    async fn get(&self, key: &str) -> Result<Option<String>, Unavailable>;

    /// Stores a value, for ever or for a lifetime (60 s at least; a shorter one is stored for 60 s).
    async fn put(&self, key: &str, value: &str, lifetime: Option<Lifetime>) -> Result<(), Unavailable>;

    /// Removes a key.
    async fn delete(&self, key: &str) -> Result<(), Unavailable>;
}

/// What one caller, an address, a person or everybody together, may do only so often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limited {
    /// Bring a client that nobody vouches for: register it, or have its metadata document fetched.
    Registration,
    /// Register a client that has to be stored. Far fewer, and everybody is one caller.
    StoredRegistration,
    /// Try a value that a person enters for a server.
    EnteredValue,
    /// Have a server checked.
    ServerCheck,
    /// Present a wrong operator token. Far fewer.
    OperatorToken,
    /// What the configuration limits.
    Configured(PerMinute),
}

/// Approximate counting near the caller, against floods.
#[expect(async_fn_in_trait, reason = "futures stay on the isolate's one thread, so no Send bound is wanted")]
pub trait Limiter {
    /// Whether this caller may do it once more now.
    async fn allow(&self, what: Limited, caller: &str) -> Result<bool, Unavailable>;
}

/// Append only: what is in it nothing changes, and only time takes it out. Each part has its entries in one order.
#[expect(async_fn_in_trait, reason = "futures stay on the isolate's one thread, so no Send bound is wanted")]
pub trait Archive {
    /// Tells one part of it something.
    async fn archive(
        &self,
        shard: authorization_log::Shard,
        command: authorization_log::Command,
    ) -> Result<authorization_log::Outcome, Unavailable>;
}

/// Structured lines for whoever operates the gateway.
pub trait Journal {
    /// Writes one line of JSON. Never holds a secret: what it is given is built from public facts only.
    fn record(&self, line: &str);
}

/// Sums that each isolate tells of in parts, each part counted once. Nothing that anybody waits for depends on it.
#[expect(async_fn_in_trait, reason = "futures stay on the isolate's one thread, so no Send bound is wanted")]
pub trait Meter {
    /// Tells or asks a shard of them ([`metrics::shard`](crate::metrics::shard)).
    async fn meter(&self, shard: &str, command: command::Command) -> Result<command::Outcome, Unavailable>;

    /// Hands one request to the platform's own analytics, where the deployment has any. Waits for nothing.
    fn observe(&self, sample: &Sample<'_>);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_credential_of_a_request() {
        let request = Outgoing {
            method: Method::POST,
            url: Url::parse("https://id.example/token?key=hunter2").unwrap(),
            headers: HeaderMap::from_iter([("x-api-key".parse().unwrap(), HeaderValue::from_static("hunter2"))]),
            body: b"client_secret=hunter2".to_vec(),
            within: Lifetime(1),
        };
        let shown = format!("{request:?}");
        assert!(shown.contains("id.example") && shown.contains("x-api-key"), "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains("104, 117"), "{shown}");
    }
}
