//! `/admin/config`: the configuration shown, and replaced, never by halves.
//!
//! Not here: what a valid configuration is (`config`), reading the one in effect (`flow::config`).

use std::rc::Rc;

use http::StatusCode;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::operator;
use crate::config::{Config, ConfigError, Server};
use crate::flow::config::{CURRENT, FRESH, Stored, unreadable};
use crate::flow::connection::catalogue;
use crate::flow::{Answered, Head, read_small};
use crate::mcp::rewrite::list::List;
use crate::memory::{LoadedConfig, Memory};
use crate::ports::{Platform, Unavailable};
use crate::record::RequestRecord;
use crate::secret::Digested;
use crate::version::V1;
use crate::web::failure::Failure;
use crate::web::reply::Reply;

const LIMIT: usize = 1024 * 1024;
/// Why a configuration is not taken.
const INVALID: &str = "configuration_invalid";
const PREVIOUS: &str = "config:previous";

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

/// `PUT /admin/config`: a valid configuration replaces the one in effect and the old one is kept; an invalid one
/// changes nothing. With `?dry_run` neither does a valid one.
pub async fn replace<P: Platform>(
    platform: &P,
    memory: &Memory,
    head: &Head,
    body: P::Stream,
    record: &RequestRecord,
) -> Answered<P> {
    operator::authorize(platform, memory, head).await?;
    let dry = is_dry(head)?;
    if !dry {
        record.act("configuration_replaced");
    }
    let body = read_small(body, LIMIT).await?;
    let text = String::from_utf8(body)
        .map_err(|_| Failure::client(400, "body_not_utf8", "The configuration is not UTF-8."))?;
    let config = match Config::parse(&text) {
        Ok(config) => config,
        Err(errors) => {
            record.refused(INVALID);
            return Ok(refusal(&errors.0, record.id()));
        }
    };
    let missing = missing_secrets(platform, &config);
    if !missing.is_empty() {
        record.refused(INVALID);
        return Ok(refusal(&missing, record.id()));
    }
    if dry {
        return Ok(taken(json!({"valid": true}), warnings(platform, memory, &config)));
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
    let warnings = warnings(platform, memory, &config);
    memory.remember(&LoadedConfig { config: Rc::new(config), version, at: now, digest, fresh_until: now + FRESH });
    Ok(taken(json!({"version": version}), warnings))
}

/// What is right and hardly meant: entries of policies that mean nothing of what their servers listed here last.
fn warnings<P: Platform>(platform: &P, memory: &Memory, config: &Config) -> Vec<Value> {
    let of_server = |server: &Server| {
        let dead = List::ALL.into_iter().flat_map(|list| catalogue::dead_entries(memory, server, list, platform.now()));
        let problem = "means nothing that the server listed last";
        dead.map(|entry| json!({"server": server.slug.as_str(), "entry": entry, "problem": problem}))
            .collect::<Vec<_>>()
    };
    config.servers.values().flat_map(of_server).collect()
}

fn taken<S>(mut answer: Value, warnings: Vec<Value>) -> Reply<S> {
    if let (Some(members), false) = (answer.as_object_mut(), warnings.is_empty()) {
        members.insert("warnings".into(), warnings.into());
    }
    Reply::json(StatusCode::OK, &answer)
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
