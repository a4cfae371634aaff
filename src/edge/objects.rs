//! The Durable Objects: each holds one record, runs the core's pure `apply` on it, and forgets it by alarm.
//!
//! Reading, applying and writing is atomic because nothing but storage is awaited in between, and the runtime delivers no other
//! event to the object meanwhile. Not here: what a command means (`oauth::grant`, `oauth::account`,
//! `upstream::connection`, `upstream::issuer`).

use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::host::now;
use crate::oauth::{account, grant};
use crate::time::{Lifetime, Timestamp};
use crate::upstream::{connection, issuer};

const RECORD: &str = "record";

/// One grant: consent given, code, refresh family.
#[durable_object(alarm)]
pub struct Grant {
    state: State,
}

/// One subject's account: what they consented to, allowed and connected.
#[durable_object(alarm)]
pub struct Account {
    state: State,
}

/// One account of one subject at one server: the credential, and who refreshes it.
#[durable_object(alarm)]
pub struct Connection {
    state: State,
}

/// What the gateway is registered as at one upstream's authorization server.
#[durable_object(alarm)]
pub struct Issuer {
    state: State,
}

impl DurableObject for Grant {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        run(&self.state, request, grant::apply, grant::Record::expires).await
    }

    async fn alarm(&self) -> Result<Response> {
        forget(&self.state, grant::Record::expires).await
    }
}

impl DurableObject for Account {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        run(&self.state, request, account::apply, account::Record::expires).await
    }

    async fn alarm(&self) -> Result<Response> {
        forget(&self.state, account::Record::expires).await
    }
}

impl DurableObject for Connection {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        run(&self.state, request, connection::apply, connection::Record::expires).await
    }

    async fn alarm(&self) -> Result<Response> {
        forget(&self.state, connection::Record::expires).await
    }
}

impl DurableObject for Issuer {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        run(&self.state, request, issuer::apply, issuer::Record::expires).await
    }

    async fn alarm(&self) -> Result<Response> {
        forget(&self.state, issuer::Record::expires).await
    }
}

/// What an object runs: a pure function of its record, a command and the time.
type Apply<R, C, O> = fn(Option<R>, C, Timestamp) -> (Option<R>, O);

async fn run<R, C, O>(
    state: &State,
    mut request: Request,
    apply: Apply<R, C, O>,
    expires: fn(&R) -> Timestamp,
) -> Result<Response>
where
    R: Serialize + DeserializeOwned,
    C: DeserializeOwned,
    O: Serialize,
{
    let command = request.text().await?;
    let command = serde_json::from_str(&command)?;
    let storage = state.storage();
    let before: Option<String> = storage.get(RECORD).await?;
    let record = before.as_deref().map(serde_json::from_str).transpose()?;
    let now = now();
    let (record, outcome) = apply(record, command, now);
    match (before, record) {
        (before, Some(record)) => {
            let after = serde_json::to_string(&record)?;
            if before.as_deref() != Some(&after) {
                storage.put(RECORD, after).await?;
                storage.set_alarm(milliseconds(expires(&record).remaining(now))).await?;
            }
        }
        (Some(_), None) => storage.delete_all().await?,
        (None, None) => {}
    }
    Response::ok(serde_json::to_string(&outcome)?)
}

/// An alarm can be older than the record: writing and setting the alarm are two steps.
async fn forget<R: DeserializeOwned>(state: &State, expires: fn(&R) -> Timestamp) -> Result<Response> {
    let storage = state.storage();
    let record: Option<String> = storage.get(RECORD).await?;
    let record: Option<R> = record.as_deref().map(serde_json::from_str).transpose()?;
    match record.map(|record| expires(&record).remaining(now())).filter(|left| left.0 > 0) {
        Some(left) => storage.set_alarm(milliseconds(left)).await?,
        None => storage.delete_all().await?,
    }
    Response::empty()
}

fn milliseconds(span: Lifetime) -> i64 {
    i64::try_from(span.0).unwrap_or(i64::MAX / 1000).saturating_mul(1000)
}
