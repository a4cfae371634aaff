//! The Durable Objects: each holds one record, runs the core's pure `apply` on it, and forgets it by alarm.
//!
//! Reading, applying and writing is atomic because nothing but storage is awaited in between, and the runtime delivers
//! no other event to the object meanwhile. Not here: what a command means (`oauth::grant`, `oauth::subject`,
//! `oauth::once`, `upstream::connection`, `upstream::issuer`).

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast;
use worker::{DurableObject, Env, Error, Request, Response, Result, State, durable_object};

use super::bindings::{ObjectState, Storage, settled};
use super::host::{now, seconds};
use crate::json;
use crate::oauth::{grant, once, subject};
use crate::time::{Lifetime, Timestamp};
use crate::upstream::{connection, issuer};

const RECORD: &str = "record";

/// A class of objects for each machine: the runtime, bindings and migrations know it by its name.
macro_rules! objects {
    ($($(#[$doc:meta])* $class:ident runs $machine:ident;)*) => {$(
        $(#[$doc])*
        #[durable_object(alarm)]
        pub struct $class {
            storage: Storage,
        }

        impl DurableObject for $class {
            fn new(state: State, _env: Env) -> Self {
                Self { storage: storage(state) }
            }

            async fn fetch(&self, request: Request) -> Result<Response> {
                let turn: Turn =
                    |before, command, now| turn(before, command, now, $machine::apply, $machine::Record::expires);
                run(&self.storage, request, turn).await
            }

            async fn alarm(&self) -> Result<Response> {
                forget(&self.storage, |record| expiry(record, $machine::Record::expires)).await
            }
        }
    )*};
}

objects! {
    /// One grant: consent given, code, refresh family.
    Grant runs grant;

    /// One subject's account: what they consented to, allowed and connected.
    Account runs subject;

    /// One account of one subject at one server: the credential, and who refreshes it.
    Connection runs connection;

    /// What the gateway is registered as at one upstream's authorization server.
    Issuer runs issuer;

    /// Ids that are good once, those whose digests begin alike.
    Once runs once;
}

/// What one command does to an object, as text: before, command and time in, and out what to keep and to answer.
/// Everything about the kind of an object is in here, so that the code around storage is there once.
type Turn = fn(Option<&str>, &str, Timestamp) -> Result<Turned>;

struct Turned {
    /// The record and when it expires; `None` leaves nothing to keep.
    after: Option<(String, Timestamp)>,
    outcome: String,
}

async fn run(storage: &Storage, mut request: Request, turn: Turn) -> Result<Response> {
    let command = request.text().await?;
    let before = stored(storage).await?;
    let now = now();
    let Turned { after, outcome } = turn(before.as_deref(), &command, now)?;
    match (before, after) {
        (before, Some((after, expires))) => {
            if before.as_deref() != Some(&after) {
                settled(storage.put(RECORD, &after)).await?;
                wake(storage, moment(expires.remaining(now))).await?;
            }
        }
        (Some(_), None) => drop(settled(storage.delete_all()).await?),
        (None, None) => {}
    }
    Response::ok(outcome)
}

/// Has the object woken at a moment or before it. An alarm that is earlier stays: when it goes off before the record is
/// due it sets itself anew, whereas to move it with each change, such as a refresh of a grant, is one more write.
async fn wake(storage: &Storage, at: f64) -> Result<()> {
    let set = settled(storage.get_alarm()).await?.as_f64();
    if set.is_none_or(|set| set > at) {
        settled(storage.set_alarm(at)).await?;
    }
    Ok(())
}

/// An alarm can be older than the record: writing and setting the alarm are two steps.
async fn forget(storage: &Storage, expiry: fn(&str) -> Result<Timestamp>) -> Result<Response> {
    let record = stored(storage).await?;
    let expires = record.as_deref().map(expiry).transpose()?;
    match expires.map(|expires| expires.remaining(now())).filter(|left| left.0 > 0) {
        Some(left) => settled(storage.set_alarm(moment(left))).await?,
        None => settled(storage.delete_all()).await?,
    };
    Response::empty()
}

/// The record as it is at rest. One that cannot be read is not taken for none.
async fn stored(storage: &Storage) -> Result<Option<String>> {
    let value = settled(storage.get(RECORD)).await?;
    if value.is_undefined() {
        return Ok(None);
    }
    value.as_string().map(Some).ok_or_else(|| Error::RustError("a record that is no text".to_owned()))
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

pub(super) fn read<T: DeserializeOwned>(json: &str) -> Result<T> {
    json::read(json.as_bytes()).map_err(|error| Error::RustError(error.to_string()))
}

pub(super) fn storage(state: State) -> Storage {
    state._inner().unchecked_into::<ObjectState>().storage()
}

/// When a span from now has passed, in milliseconds since the epoch.
pub(super) fn moment(span: Lifetime) -> f64 {
    js_sys::Date::now() + seconds(span) * 1000.0
}
