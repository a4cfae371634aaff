//! What the Durable Objects that hold one record do with it: the core's pure `apply`, by the name of their class.
//!
//! Not here: storage and alarms (`objects.js`), what a command means (`oauth::grant`, `oauth::subject`, `oauth::once`,
//! `upstream::connection`, `upstream::issuer`), and objects of many rows (`log`, `shard_object`).

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

use super::host::{seconds, timestamp};
use crate::json;
use crate::oauth::{grant, once, subject};
use crate::time::{Lifetime, Timestamp};
use crate::upstream::{connection, issuer};

/// What one command does to the record of an object, where an empty one is none, at `now` (milliseconds since the
/// epoch): what is answered, and where something is to be kept when that expires (the same) and the record, in lines.
#[wasm_bindgen]
pub fn turn(class: &str, before: &str, command: &str, now: f64) -> Result<String, JsError> {
    let turn = Turn { before: (!before.is_empty()).then_some(before), command, now: timestamp(now) };
    match class {
        "Grant" => turn.by(grant::apply, grant::Record::expires),
        "Account" => turn.by(subject::apply, subject::Record::expires),
        "Connection" => turn.by(connection::apply, connection::Record::expires),
        "Issuer" => turn.by(issuer::apply, issuer::Record::expires),
        "Once" => turn.by(once::apply, once::Record::expires),
        _ => Err(unknown()),
    }
}

/// When a record expires, as `turn` says it.
#[wasm_bindgen]
pub fn expires(class: &str, record: &str, now: f64) -> Result<f64, JsError> {
    let expires = match class {
        "Grant" => read(record).map(|record| grant::Record::expires(&record)),
        "Account" => read(record).map(|record| subject::Record::expires(&record)),
        "Connection" => read(record).map(|record| connection::Record::expires(&record)),
        "Issuer" => read(record).map(|record| issuer::Record::expires(&record)),
        "Once" => read(record).map(|record| once::Record::expires(&record)),
        _ => Err(unknown()),
    };
    expires.map(|expires| milliseconds(expires, timestamp(now)))
}

struct Turn<'a> {
    before: Option<&'a str>,
    command: &'a str,
    now: Timestamp,
}

/// What an object runs: a pure function of its record, a command and the time.
type Apply<R, C, O> = fn(Option<R>, C, Timestamp) -> (Option<R>, O);

impl Turn<'_> {
    fn by<R, C, O>(&self, apply: Apply<R, C, O>, expires: fn(&R) -> Timestamp) -> Result<String, JsError>
    where
        R: Serialize + DeserializeOwned,
        C: DeserializeOwned,
        O: Serialize,
    {
        let (record, outcome) = apply(self.before.map(read).transpose()?, read(self.command)?, self.now);
        let outcome = serde_json::to_string(&outcome)?;
        let Some(record) = record else { return Ok(outcome) };
        let expires = milliseconds(expires(&record), self.now);
        Ok(format!("{outcome}\n{expires}\n{}", serde_json::to_string(&record)?))
    }
}

/// A moment as alarms have it. The latest is 136 years away.
fn milliseconds(moment: Timestamp, now: Timestamp) -> f64 {
    (seconds(Lifetime(now.0)) + seconds(moment.remaining(now))) * 1000.0
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T, JsError> {
    Ok(json::read(json.as_bytes())?)
}

fn unknown() -> JsError {
    JsError::new("no such class of objects")
}
