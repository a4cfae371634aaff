//! The Durable Objects: each holds one record, runs the core's pure `apply` on it, and forgets it by alarm.
//!
//! Reading, applying and writing is atomic because nothing but storage is awaited in between, and the runtime delivers no other
//! event to the object meanwhile. Not here: what a command means (`oauth::grant`, `oauth::account`,
//! `upstream::connection`, `upstream::issuer`).

use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{DurableObject, Env, Error, Request, Response, Result, State, durable_object};

use super::host::now;
use crate::json;
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
        let turn: Turn = |before, command, now| turn(before, command, now, grant::apply, grant::Record::expires);
        run(&self.state, request, turn).await
    }

    async fn alarm(&self) -> Result<Response> {
        forget(&self.state, |record| expiry(record, grant::Record::expires)).await
    }
}

impl DurableObject for Account {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let turn: Turn = |before, command, now| turn(before, command, now, account::apply, account::Record::expires);
        run(&self.state, request, turn).await
    }

    async fn alarm(&self) -> Result<Response> {
        forget(&self.state, |record| expiry(record, account::Record::expires)).await
    }
}

impl DurableObject for Connection {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let turn: Turn =
            |before, command, now| turn(before, command, now, connection::apply, connection::Record::expires);
        run(&self.state, request, turn).await
    }

    async fn alarm(&self) -> Result<Response> {
        forget(&self.state, |record| expiry(record, connection::Record::expires)).await
    }
}

impl DurableObject for Issuer {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let turn: Turn = |before, command, now| turn(before, command, now, issuer::apply, issuer::Record::expires);
        run(&self.state, request, turn).await
    }

    async fn alarm(&self) -> Result<Response> {
        forget(&self.state, |record| expiry(record, issuer::Record::expires)).await
    }
}

/// What one command does to an object, as text: before, command and time in, and out what to keep and to answer. Everything about the kind of
/// an object is in here, so that the code around storage is there once.
type Turn = fn(Option<&str>, &str, Timestamp) -> Result<Turned>;

struct Turned {
    /// The record and when it expires; `None` leaves nothing to keep.
    after: Option<(String, Timestamp)>,
    outcome: String,
}

async fn run(state: &State, mut request: Request, turn: Turn) -> Result<Response> {
    let command = request.text().await?;
    let storage = state.storage();
    let before: Option<String> = storage.get(RECORD).await?;
    let now = now();
    let Turned { after, outcome } = turn(before.as_deref(), &command, now)?;
    match (before, after) {
        (before, Some((after, expires))) => {
            if before.as_deref() != Some(&after) {
                storage.put(RECORD, after).await?;
                storage.set_alarm(milliseconds(expires.remaining(now))).await?;
            }
        }
        (Some(_), None) => storage.delete_all().await?,
        (None, None) => {}
    }
    Response::ok(outcome)
}

/// An alarm can be older than the record: writing and setting the alarm are two steps.
async fn forget(state: &State, expiry: fn(&str) -> Result<Timestamp>) -> Result<Response> {
    let storage = state.storage();
    let record: Option<String> = storage.get(RECORD).await?;
    let expires = record.as_deref().map(expiry).transpose()?;
    match expires.map(|expires| expires.remaining(now())).filter(|left| left.0 > 0) {
        Some(left) => storage.set_alarm(milliseconds(left)).await?,
        None => storage.delete_all().await?,
    }
    Response::empty()
}

/// What an object runs: a pure function of its record, a command and the time.
type Apply<R, C, O> = fn(Option<R>, C, Timestamp) -> (Option<R>, O);

fn turn<R, C, O>(
    before: Option<&str>,
    command: &str,
    now: Timestamp,
    apply: Apply<R, C, O>,
    expires: fn(&R) -> Timestamp,
) -> Result<Turned>
where
    R: Serialize + DeserializeOwned,
    C: DeserializeOwned,
    O: Serialize,
{
    let command = read(command)?;
    let record = before.map(read).transpose()?;
    let (record, outcome) = apply(record, command, now);
    let kept = |record: R| Ok::<_, Error>((serde_json::to_string(&record)?, expires(&record)));
    Ok(Turned { after: record.map(kept).transpose()?, outcome: serde_json::to_string(&outcome)? })
}

fn expiry<R: DeserializeOwned>(record: &str, expires: fn(&R) -> Timestamp) -> Result<Timestamp> {
    read(record).map(|record| expires(&record))
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T> {
    json::read(json.as_bytes()).map_err(|error| Error::RustError(error.to_string()))
}

fn milliseconds(span: Lifetime) -> i64 {
    i64::try_from(span.0).unwrap_or(i64::MAX / 1000).saturating_mul(1000)
}
