//! The ports on Workers: clock, entropy, secrets, `WebCrypto`, fetch, objects, KV, the rate limiter and the console.
//!
//! Not here: retries, caches, fallbacks. Every failure of a binding is `Unavailable`, and the core fails closed.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use js_sys::{Array, JSON, Object, Promise, Reflect, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::Env;
use worker::wasm_bindgen_futures::JsFuture;

use super::bindings::{Analytics, Kv, ObjectAnswer, Objects, RateLimiter, binding, options, settled};
use super::host_queue::{HostQueue, JsStream};
use crate::authorization_log;
use crate::jose::algorithm::Algorithm;
use crate::jose::jwks::VerifyingKey;
use crate::json;
use crate::metrics::{Sample, command};
use crate::oauth::once::OnceId;
use crate::oauth::{grant, once, subject};
use crate::ports::{
    Answer, Archive, Clock, Directory, Entropy, FetchError, Journal, Ledger, Limited, Limiter, Meter, Outbound,
    Outgoing, Secrets, Signatures, Timer, Unavailable,
};
use crate::secret::Secret;
use crate::time::{Lifetime, Millis, Tick, Timestamp};
use crate::upstream::key::ConnectionKey;
use crate::upstream::{connection, issuer};

/// How long KV's own cache at an edge may serve what it has: the shortest it accepts. Part of every promise
/// about how soon a change or a revocation is in effect everywhere.
const KV_CACHE: Lifetime = Lifetime(30);
/// KV refuses shorter lifetimes.
const SHORTEST_KV_LIFETIME: Lifetime = Lifetime(60);

/// The binding of analytics, where the deployment has one.
const ANALYTICS: &str = "ANALYTICS";

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console)]
    fn log(line: &str);

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = importKey, catch)]
    fn import_key(
        format: &str,
        key: &JsValue,
        algorithm: &JsValue,
        extractable: bool,
        usages: &JsValue,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], catch)]
    fn verify(
        algorithm: &JsValue,
        key: &JsValue,
        signature: Uint8Array,
        message: Uint8Array,
    ) -> Result<Promise, JsValue>;
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
    static HAS_ANALYTICS: OnceCell<bool> = const { OnceCell::new() };
}

/// Random bytes drawn ahead: a draw costs five crossings, and every request needs an id. No byte is given out twice.
#[derive(Default)]
struct Pool(Vec<u8>);

const DRAWN: usize = 512;

impl Pool {
    fn fill(&mut self, buffer: &mut [u8]) {
        if self.0.len() < buffer.len() {
            self.0.resize(DRAWN.max(buffer.len()), 0);
            if getrandom::getrandom(&mut self.0).is_err() {
                wasm_bindgen::throw_str("no entropy"); // never go on with bytes that are not random
            }
        }
        let left = self.0.len() - buffer.len();
        if let Some(drawn) = self.0.get_mut(left..) {
            buffer.copy_from_slice(drawn);
            drawn.fill(0); // from now on they are somebody's
        }
        self.0.truncate(left);
    }
}

/// The runtime as one request sees it.
pub struct Workers {
    env: Env,
    now: Timestamp,
    queue: Rc<HostQueue>,
}

impl Workers {
    /// With the one time of the whole request. What is to be fetched is queued.
    pub fn new(env: Env, now: Timestamp, queue: Rc<HostQueue>) -> Self {
        Self { env, now, queue }
    }

    /// Whether each request is a data point of the platform's analytics.
    pub fn has_analytics(&self) -> bool {
        HAS_ANALYTICS.with(|has| {
            *has.get_or_init(|| binding::<JsValue>(&self.env, ANALYTICS).is_ok_and(|bound| bound.is_object()))
        })
    }

    async fn command<C: Serialize, O: DeserializeOwned>(
        &self,
        namespace: &str,
        name: &str,
        command: C,
    ) -> Result<O, Unavailable> {
        let command = serde_json::to_string(&command).map_err(|_| Unavailable)?;
        let outcome = self.asked(namespace, name, command).await?;
        json::read(outcome.as_bytes()).map_err(|_| Unavailable)
    }

    /// An object's answer as text, whichever object it is.
    async fn asked(&self, namespace: &str, name: &str, command: String) -> Result<String, Unavailable> {
        let asked = async {
            let init = options(&[("method", "POST".into()), ("body", command.into())])?;
            let stub = binding::<Objects>(&self.env, namespace)?.get_by_name(name)?;
            let answer: ObjectAnswer = settled(stub.fetch("https://object/", &init)).await?.unchecked_into();
            let text = settled(answer.text()).await?;
            Ok((answer.status(), text.as_string()))
        };
        match asked.await.map_err(unavailable)? {
            (200, Some(outcome)) => Ok(outcome),
            _ => Err(Unavailable),
        }
    }
}

/// The time, read from the clock.
pub fn now() -> Timestamp {
    timestamp(js_sys::Date::now())
}

/// A span as JavaScript has it. The longest is 136 years.
pub fn seconds(span: Lifetime) -> f64 {
    u32::try_from(span.0).unwrap_or(u32::MAX).into()
}

/// When a span from now has passed, in milliseconds since the epoch.
pub fn moment(span: Lifetime) -> f64 {
    js_sys::Date::now() + seconds(span) * 1000.0
}

/// Milliseconds since the epoch, as JavaScript has them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole seconds, and no clock is before 1970"
)]
pub fn timestamp(milliseconds: f64) -> Timestamp {
    Timestamp((milliseconds / 1000.0) as u64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and no clock is before 1970")]
fn tick(milliseconds: f64) -> Tick {
    Tick(milliseconds as u64)
}

impl Clock for Workers {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn moment(&self) -> Timestamp {
        timestamp(self.queue.clock())
    }

    fn tick(&self) -> Tick {
        tick(self.queue.clock())
    }
}

impl Timer for Workers {
    async fn pause(&self, span: Millis) {
        worker::Delay::from(std::time::Duration::from_millis(span.0.into())).await;
    }
}

impl Entropy for Workers {
    fn fill(&self, buffer: &mut [u8]) {
        POOL.with_borrow_mut(|pool| pool.fill(buffer));
    }
}

impl Secrets for Workers {
    fn secret(&self, name: &str) -> Option<Secret> {
        let value = js_sys::Reflect::get(&self.env, &JsValue::from_str(name)).ok()?.as_string()?;
        Some(Secret::new(value))
    }

    fn secret_names(&self) -> Vec<String> {
        let names = Object::keys(self.env.unchecked_ref::<Object>()).into_iter().filter_map(|name| name.as_string());
        names.filter(|name| self.secret(name).is_some()).collect()
    }
}

impl Signatures for Workers {
    async fn verify(&self, key: &VerifyingKey, message: &[u8], signature: &[u8]) -> Result<bool, Unavailable> {
        // `importKey` and `verify` each read the members they know.
        let algorithm = match key.algorithm() {
            Algorithm::Rs256 => r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-256"}"#,
            Algorithm::Rs384 => r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-384"}"#,
            Algorithm::Rs512 => r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-512"}"#,
            // As long a salt as the hash (RFC 7518 §3.5).
            Algorithm::Ps256 => r#"{"name":"RSA-PSS","hash":"SHA-256","saltLength":32}"#,
            Algorithm::Ps384 => r#"{"name":"RSA-PSS","hash":"SHA-384","saltLength":48}"#,
            Algorithm::Ps512 => r#"{"name":"RSA-PSS","hash":"SHA-512","saltLength":64}"#,
            Algorithm::Es256 => r#"{"name":"ECDSA","namedCurve":"P-256","hash":"SHA-256"}"#,
            Algorithm::Es384 => r#"{"name":"ECDSA","namedCurve":"P-384","hash":"SHA-384"}"#,
            Algorithm::EdDsa => r#"{"name":"Ed25519"}"#,
        };
        let algorithm = JSON::parse(algorithm).map_err(|_| Unavailable)?;
        let usages = JSON::parse(r#"["verify"]"#).map_err(|_| Unavailable)?;
        let key = JSON::parse(&key.jwk()).map_err(|_| Unavailable)?;
        let imported = import_key("jwk", &key, &algorithm, false, &usages).map_err(|_| Unavailable)?;
        // The key is not one: not on the curve, for example.
        let Ok(key) = JsFuture::from(imported).await else { return Ok(false) };
        let verified = verify(&algorithm, &key, Uint8Array::from(signature), Uint8Array::from(message));
        let verified = JsFuture::from(verified.map_err(|_| Unavailable)?).await.map_err(|_| Unavailable)?;
        verified.as_bool().ok_or(Unavailable)
    }
}

impl Outbound for Workers {
    type Stream = JsStream;

    async fn fetch(&self, request: Outgoing) -> Result<Answer<JsStream>, FetchError> {
        self.queue.fetch(request, true).await
    }

    async fn fetch_unattended(&self, request: Outgoing) -> Result<Answer<JsStream>, FetchError> {
        self.queue.fetch(request, false).await
    }
}

impl Ledger for Workers {
    async fn grant(&self, id: &grant::GrantId, command: grant::Command) -> Result<grant::Outcome, Unavailable> {
        self.command("GRANT", id.as_str(), command).await
    }

    async fn account(&self, subject: &str, command: subject::Command) -> Result<subject::Outcome, Unavailable> {
        self.command("ACCOUNT", subject, command).await
    }

    async fn connection(
        &self,
        key: &ConnectionKey,
        command: connection::Command,
    ) -> Result<connection::Outcome, Unavailable> {
        self.command("CONNECTION", key.name(), command).await
    }

    async fn issuer(&self, issuer: &str, command: issuer::Command) -> Result<issuer::Outcome, Unavailable> {
        self.command("ISSUER", issuer, command).await
    }

    async fn once(&self, id: &OnceId, until: Timestamp) -> Result<once::Outcome, Unavailable> {
        self.command("ONCE", id.shard(), id.burn(until)).await
    }
}

impl Archive for Workers {
    async fn archive(
        &self,
        shard: authorization_log::Shard,
        command: authorization_log::Command,
    ) -> Result<authorization_log::Outcome, Unavailable> {
        self.command("LOG", shard.name(), command).await
    }
}

impl Directory for Workers {
    async fn get(&self, key: &str) -> Result<Option<String>, Unavailable> {
        let found = async {
            let options = options(&[("type", "text".into()), ("cacheTtl", seconds(KV_CACHE).into())])?;
            settled(binding::<Kv>(&self.env, "KV")?.get(key, &options)).await
        };
        found.await.map(|value| value.as_string()).map_err(unavailable)
    }

    async fn put(&self, key: &str, value: &str, lifetime: Option<Lifetime>) -> Result<(), Unavailable> {
        let put = async {
            let seconds = lifetime.map(|lifetime| seconds(lifetime.max(SHORTEST_KV_LIFETIME)));
            let options = options(&[("expirationTtl", seconds.into())])?;
            settled(binding::<Kv>(&self.env, "KV")?.put(key, value, &options)).await
        };
        put.await.map(drop).map_err(unavailable)
    }

    async fn delete(&self, key: &str) -> Result<(), Unavailable> {
        let deleted = async { settled(binding::<Kv>(&self.env, "KV")?.delete(key)).await };
        deleted.await.map(drop).map_err(unavailable)
    }
}

impl Limiter for Workers {
    async fn allow(&self, what: Limited, caller: &str) -> Result<bool, Unavailable> {
        let rung;
        let (name, key) = match what {
            Limited::Configured(rate) => {
                rung = format!("LIMIT_{}", rate.get());
                (rung.as_str(), caller.to_owned())
            }
            Limited::Registration => ("REGISTRATIONS", caller.to_owned()),
            Limited::EnteredValue => ("REGISTRATIONS", format!("entered {caller}")),
            Limited::StoredRegistration => ("ATTEMPTS", format!("registration {caller}")),
            Limited::ServerCheck => ("ATTEMPTS", format!("check {caller}")),
            Limited::OperatorToken => ("ATTEMPTS", format!("operator {caller}")),
        };
        let limited = async {
            let options = options(&[("key", key.into())])?;
            let outcome = settled(binding::<RateLimiter>(&self.env, name)?.limit(&options)).await?;
            Reflect::get(&outcome, &"success".into())
        };
        limited.await.map_err(unavailable)?.as_bool().ok_or(Unavailable)
    }
}

impl Meter for Workers {
    async fn meter(&self, shard: &str, command: command::Command) -> Result<command::Outcome, Unavailable> {
        self.command("METRICS", shard, command).await
    }

    fn observe(&self, sample: &Sample<'_>) {
        if self.has_analytics() {
            // A point that is lost is none that anybody waits for.
            drop(point(sample).and_then(|point| binding::<Analytics>(&self.env, ANALYTICS)?.write_data_point(&point)));
        }
    }
}

/// A data point of Workers Analytics Engine: texts, numbers, and what is sampled by.
fn point(sample: &Sample<'_>) -> Result<JsValue, JsValue> {
    let texts: Array = sample.texts().into_iter().map(JsValue::from).collect();
    let numbers: Array = sample.numbers().into_iter().map(JsValue::from).collect();
    let index = Array::of1(&sample.index().into());
    options(&[("blobs", texts.into()), ("doubles", numbers.into()), ("indexes", index.into())])
}

/// What JavaScript threw is for nobody to see.
fn unavailable(_: JsValue) -> Unavailable {
    Unavailable
}

impl Journal for Workers {
    fn record(&self, line: &str) {
        log(line);
    }
}
