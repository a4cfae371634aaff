//! `/admin/config`: the configuration shown, replaced and rolled back, never by halves.
//!
//! Not here: what a valid configuration is (`config`), reading the one in effect (`flow::config`), and the page of the
//! same (`flow::admin::console::configuration`).

use std::rc::Rc;

use http::StatusCode;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::operator::Operator;
use super::{acts, operator};
use crate::config::{Config, ConfigError, Server};
use crate::flow::config::{CURRENT, FRESH, Stored, unreadable};
use crate::flow::connection::catalogue;
use crate::flow::{Answered, Head, read_small};
use crate::mcp::rewrite::list::List;
use crate::memory::{LoadedConfig, Memory};
use crate::ports::{Platform, Unavailable};
use crate::record::RequestRecord;
use crate::secret::Digested;
use crate::vault::KeyRing;
use crate::version::V1;
use crate::web::failure::{Blame, Failure};
use crate::web::reply::Reply;

/// The longest configuration, bytes.
pub const LIMIT: usize = 1024 * 1024;
/// Storage key of the configuration before that.
pub const PREVIOUS: &str = "config:previous";
/// Of how many servers a list is looked up: a request has a thousand operations, and its own come after these.
const LOOKED_UP: usize = 100;
/// Why a configuration is not taken.
const INVALID: &str = "configuration_invalid";

/// `GET /admin/config`: the version in effect and its text.
pub async fn show<P: Platform>(platform: &P, memory: &Memory, head: &Head) -> Answered<P> {
    operator::authorize(platform, memory, head).await?;
    let Some(stored) = read(platform, CURRENT).await? else {
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
    keys: Option<Rc<KeyRing>>,
    head: &Head,
    body: P::Stream,
    record: &RequestRecord,
) -> Answered<P> {
    let operator = operator::authorize(platform, memory, head).await?;
    let dry = is_dry(head)?;
    if !dry {
        record.act("configure");
    }
    let body = read_small(body, LIMIT).await?;
    let text = String::from_utf8(body)
        .map_err(|_| Failure::client(400, "body_not_utf8", "The configuration is not UTF-8."))?;
    let config = match judge(platform, &text) {
        Ok(config) => config,
        Err(errors) => {
            record.refused(INVALID);
            return Ok(refusal(&errors, record.id()));
        }
    };
    learn_names(platform, memory, keys, &config).await;
    let warnings = warnings(platform, memory, &config);
    if dry {
        return Ok(taken(json!({"valid": true}), warnings));
    }
    let before = read(platform, CURRENT).await?;
    let version = put_in_effect(platform, memory, &text, config, before).await?;
    acts::note(platform, record, &operator, "configure", json!({ "version": version }));
    Ok(taken(json!({"version": version}), warnings))
}

/// `POST /admin/config/rollback` by a program: the configuration before the one in effect is in effect again, as a
/// version of its own.
pub async fn roll_back<P: Platform>(platform: &P, memory: &Memory, head: &Head, record: &RequestRecord) -> Answered<P> {
    let operator = operator::authorize(platform, memory, head).await?;
    record.act("roll_back");
    let before = read(platform, CURRENT).await?;
    let previous = previous(platform).await?;
    let text = previous.config.get();
    let config = match judge(platform, text) {
        Ok(config) => config,
        Err(errors) => {
            record.refused(INVALID);
            return Ok(refusal(&errors, record.id()));
        }
    };
    let version = put_in_effect(platform, memory, text, config, before).await?;
    note_rollback(platform, record, &operator, version, previous.version);
    Ok(Reply::json(StatusCode::OK, &json!({"version": version, "rolled_back_to": previous.version})))
}

/// The log says of what version the new one is the text.
pub fn note_rollback<P: Platform>(platform: &P, record: &RequestRecord, operator: &Operator, version: u64, of: u64) {
    acts::note(platform, record, operator, "roll_back", json!({"version": version, "rolled_back_to": of}));
}

/// The configuration that a text is, or everything that is wrong with it.
pub fn judge<P: Platform>(platform: &P, text: &str) -> Result<Config, Vec<ConfigError>> {
    let config = Config::parse(text).map_err(|errors| errors.0)?;
    let missing = missing_secrets(platform, &config);
    if missing.is_empty() { Ok(config) } else { Err(missing) }
}

/// What is stored under a key.
pub async fn read<P: Platform>(platform: &P, key: &str) -> Result<Option<String>, Failure> {
    platform.get(key).await.map_err(|Unavailable| Failure::storage())
}

/// The configuration before the one in effect.
pub async fn previous<P: Platform>(platform: &P) -> Result<Stored, Failure> {
    let stored = read(platform, PREVIOUS).await?.ok_or_else(|| {
        Failure::client(409, "configuration_has_no_previous", "There was no configuration before the one in effect.")
            .fix("Send the one that is meant with PUT /admin/config.")
    })?;
    serde_json::from_str(&stored).map_err(|_| unreadable())
}

/// Puts a configuration in effect, instead of the one that was stored before, which is kept. Answers its version.
pub async fn put_in_effect<P: Platform>(
    platform: &P,
    memory: &Memory,
    text: &str,
    config: Config,
    before: Option<String>,
) -> Result<u64, Failure> {
    let now = platform.now();
    let version = before
        .as_deref()
        .and_then(|stored| serde_json::from_str::<Stored>(stored).ok())
        .map_or(0, |stored| stored.version)
        + 1;
    let raw = RawValue::from_string(text.trim().to_owned()).map_err(|_| unreadable())?;
    let digest = Digested::of(raw.get());
    let stored = serde_json::to_string(&Stored { v: V1, version, at: now, config: raw }).map_err(|_| unreadable())?;
    if let Some(before) = before {
        platform.put(PREVIOUS, &before, None).await.map_err(|Unavailable| Failure::storage())?;
    }
    platform.put(CURRENT, &stored, None).await.map_err(|Unavailable| Failure::storage())?;
    for (server, list) in config.servers.values().flat_map(|server| List::ALL.map(|list| (server, list))) {
        catalogue::log_dead_entries(platform, memory, server, list);
    }
    // In effect at once here, and elsewhere when those isolates read it.
    memory.remember(&LoadedConfig { config: Rc::new(config), version, at: now, digest, fresh_until: now + FRESH });
    Ok(version)
}

/// Looks up what servers listed last, where this isolate does not know and everybody has one list.
pub async fn learn_names<P: Platform>(platform: &P, memory: &Memory, keys: Option<Rc<KeyRing>>, config: &Config) {
    let Some(keys) = keys else { return };
    for server in config.servers.values().take(LOOKED_UP) {
        catalogue::learn_names(platform, memory, &keys, server).await;
    }
}

/// What is right and hardly meant: entries of policies that mean nothing of what their servers listed last.
pub fn warnings<P: Platform>(platform: &P, memory: &Memory, config: &Config) -> Vec<Value> {
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
            "reason": INVALID,
            "errors": errors,
            "request_id": request_id,
        }),
    )
    .log_refusal(INVALID, Blame::Operator.as_str())
}
