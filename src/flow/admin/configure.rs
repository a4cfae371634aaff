//! The configuration: read at most twice a minute by each isolate, replaced by the operator, never by halves.
//!
//! Not here: what a valid configuration is (`config`).

use std::rc::Rc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::operator;
use crate::config::{Config, ConfigError};
use crate::flow::{Answered, Head, apart, read_small};
use crate::memory::{LoadedConfig, Memory};
use crate::ports::{Platform, Unavailable};
use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};
use crate::version::V1;
use crate::web::failure::{Blame, Failure};
use crate::web::reply::Reply;

/// How long an isolate goes on with what it read. KV keeps its own copy for at most as long again, so a change is in effect
/// everywhere within a minute.
const FRESH: Lifetime = Lifetime(30);
const LIMIT: usize = 1024 * 1024;
const CURRENT: &str = "config:current";
const PREVIOUS: &str = "config:previous";

/// A configuration as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    v: V1,
    version: u64,
    at: Timestamp,
    config: Box<RawValue>,
}

/// The configuration in effect, if there is one. While storage is away the last one read stays in effect.
pub async fn load<P: Platform>(platform: &P, memory: &Memory) -> Result<Option<LoadedConfig>, Failure> {
    let now = platform.now();
    let known = memory.config.borrow().clone();
    if known.as_ref().is_some_and(|known| !known.fresh_until.reached(now)) {
        return Ok(known);
    }
    apart(look(platform, memory, known)).await
}

async fn look<P: Platform>(
    platform: &P,
    memory: &Memory,
    known: Option<LoadedConfig>,
) -> Result<Option<LoadedConfig>, Failure> {
    let now = platform.now();
    let stored = match platform.get(CURRENT).await {
        Ok(Some(stored)) => stored,
        // Storage remembers for a while that there was none, also where the first one was just sent.
        Ok(None) => return Ok(known),
        Err(Unavailable) => return known.map(Some).ok_or_else(Failure::storage),
    };
    let loaded = match (read(&stored, known.as_ref(), now), known) {
        (Ok(loaded), Some(known)) if loaded.at < known.at => LoadedConfig { fresh_until: now + FRESH, ..known },
        (Ok(loaded), _) => loaded,
        // Code of another version may have stored it in the middle of a deploy: what this isolate has stays in effect.
        (Err(_), Some(known)) => LoadedConfig { fresh_until: now + FRESH, ..known },
        (Err(failure), None) => return Err(failure),
    };
    memory.remember(&loaded);
    Ok(Some(loaded))
}

/// `GET /admin/config`: the version in effect and its text.
pub async fn show<P: Platform>(platform: &P, memory: &Memory, head: &Head) -> Answered<P> {
    operator::authorize(platform, memory, head).await?;
    let stored = platform.get(CURRENT).await.map_err(|Unavailable| Failure::storage())?;
    let Some(stored) = stored else {
        return Ok(Reply::json(StatusCode::OK, &json!({"version": 0, "config": null})));
    };
    let stored: Stored = serde_json::from_str(&stored).map_err(|_| unreadable())?;
    Ok(Reply::json(
        StatusCode::OK,
        &json!({"version": stored.version, "updated_at": stored.at, "config": stored.config}),
    ))
}

/// `PUT /admin/config`: a valid configuration replaces the one in effect and the old one is kept; an invalid one changes nothing.
/// With `?dry_run` neither does a valid one.
pub async fn replace<P: Platform>(
    platform: &P,
    memory: &Memory,
    head: &Head,
    body: P::Stream,
    request_id: &str,
) -> Answered<P> {
    operator::authorize(platform, memory, head).await?;
    let dry = is_dry(head)?;
    let body = read_small(body, LIMIT).await?;
    let text = String::from_utf8(body)
        .map_err(|_| Failure::client(400, "body_not_utf8", "The configuration is not UTF-8."))?;
    let config = match Config::parse(&text) {
        Ok(config) => config,
        Err(errors) => return Ok(refusal(&errors.0, request_id)),
    };
    let missing = missing_secrets(platform, &config);
    if !missing.is_empty() {
        return Ok(refusal(&missing, request_id));
    }
    if dry {
        return Ok(Reply::json(StatusCode::OK, &json!({"valid": true})));
    }
    let now = platform.now();
    let previous = platform.get(CURRENT).await.map_err(|Unavailable| Failure::storage())?;
    let version = previous
        .as_deref()
        .and_then(|stored| serde_json::from_str::<Stored>(stored).ok())
        .map_or(0, |stored| stored.version)
        + 1;
    let raw = RawValue::from_string(text.trim().to_owned()).map_err(|_| unreadable())?;
    let digest = Digested::of(raw.get());
    let stored = serde_json::to_string(&Stored { v: V1, version, at: now, config: raw }).map_err(|_| unreadable())?;
    if let Some(previous) = previous {
        platform.put(PREVIOUS, &previous, None).await.map_err(|Unavailable| Failure::storage())?;
    }
    platform.put(CURRENT, &stored, None).await.map_err(|Unavailable| Failure::storage())?;
    // In effect at once here, and elsewhere when those isolates read it.
    memory.remember(&LoadedConfig { config: Rc::new(config), version, at: now, digest, fresh_until: now + FRESH });
    Ok(Reply::json(StatusCode::OK, &json!({"version": version})))
}

fn read(stored: &str, known: Option<&LoadedConfig>, now: Timestamp) -> Result<LoadedConfig, Failure> {
    let stored: Stored = serde_json::from_str(stored).map_err(|_| unreadable())?;
    let digest = Digested::of(stored.config.get());
    let config = match known.filter(|known| known.digest == digest) {
        Some(known) => Rc::clone(&known.config),
        None => Rc::new(Config::parse_stored(stored.config.get()).map_err(|_| unreadable())?),
    };
    Ok(LoadedConfig { config, version: stored.version, at: stored.at, digest, fresh_until: now + FRESH })
}

/// Whether nothing is to be applied. What might have meant that is refused, lest it be applied.
fn is_dry(head: &Head) -> Result<bool, Failure> {
    match head.query() {
        "" => Ok(false),
        "dry_run" | "dry_run=" | "dry_run=1" | "dry_run=true" => Ok(true),
        _ => Err(Failure::client(400, "config_query_unknown", "Only dry_run can stand in the query here.")
            .fix("Send PUT /admin/config?dry_run to validate, or without a query to apply.")),
    }
}

fn missing_secrets<P: Platform>(platform: &P, config: &Config) -> Vec<ConfigError> {
    let missing = config.secret_names().into_iter().filter(|name| platform.secret(name.as_str()).is_none());
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let others = platform.secret_names();
    missing.into_iter().map(|name| name.is_missing(&others)).collect()
}

fn refusal<S>(errors: &[ConfigError], request_id: &str) -> Reply<S> {
    Reply::json(
        StatusCode::UNPROCESSABLE_ENTITY,
        &json!({
            "error": "invalid_configuration",
            "error_description": "The configuration was not taken over; the one in effect stays.",
            "reason": "configuration_invalid",
            "errors": errors,
            "request_id": request_id,
        }),
    )
}

fn unreadable() -> Failure {
    Failure::new(
        Blame::Operator,
        503,
        "configuration_unreadable",
        "The stored configuration cannot be read by this version of the gateway.",
    )
    .fix("Send it again with PUT /admin/config; the answer lists every error.")
}
