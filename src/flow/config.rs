//! The configuration in effect, read at most twice a minute by each isolate.
//!
//! Not here: what a valid configuration is (`config`), replacing it (`flow::admin::configure`).

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::boxed;
use crate::config::Config;
use crate::memory::{LoadedConfig, Memory};
use crate::ports::{Platform, Unavailable};
use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};
use crate::version::V1;
use crate::web::failure::{Blame, Failure};

/// How long an isolate goes on with what it read. KV keeps its own copy for at most as long again, so a change is in
/// effect everywhere within a minute.
pub const FRESH: Lifetime = Lifetime(30);

/// Storage key of the configuration in effect.
pub const CURRENT: &str = "config:current";

/// A configuration as it is stored.
#[derive(Serialize, Deserialize)]
pub struct Stored {
    /// Its form.
    pub v: V1,
    /// Counted up by each.
    pub version: u64,
    /// When it was sent.
    pub at: Timestamp,
    /// As the operator wrote it.
    pub config: Box<RawValue>,
}

/// The configuration in effect, if there is one. While storage is away the last one read stays in effect.
pub async fn load<P: Platform>(platform: &P, memory: &Memory) -> Result<Option<LoadedConfig>, Failure> {
    let now = platform.now();
    let known = memory.config.borrow().clone();
    if known.as_ref().is_some_and(|known| !known.fresh_until.reached(now)) {
        return Ok(known);
    }
    boxed(look(platform, memory, known)).await
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

fn read(stored: &str, known: Option<&LoadedConfig>, now: Timestamp) -> Result<LoadedConfig, Failure> {
    let stored: Stored = serde_json::from_str(stored).map_err(|_| unreadable())?;
    let digest = Digested::of(stored.config.get());
    let config = match known.filter(|known| known.digest == digest) {
        Some(known) => Rc::clone(&known.config),
        None => Rc::new(Config::parse_stored(stored.config.get()).map_err(|_| unreadable())?),
    };
    Ok(LoadedConfig { config, version: stored.version, at: stored.at, digest, fresh_until: now + FRESH })
}

/// What is stored is of no form that is known.
pub fn unreadable() -> Failure {
    Failure::new(
        Blame::Operator,
        503,
        "configuration_unreadable",
        "The stored configuration cannot be read by this version of the gateway.",
    )
    .fix("Send it again with PUT /admin/config; the answer lists every error.")
}
