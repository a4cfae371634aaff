//! What support needs of a request: its entries, what they belong to, and nothing that names a person unless that is
//! asked for. It says what was cut.
//!
//! Not here: finding the entries (`flow::admin::bundle`).

use serde::Serialize;

use super::entry::LogEntry;
use crate::time::Timestamp;
use crate::version::V1;

/// What no entry ever has.
pub const NEVER_KEPT: [&str; 2] =
    ["tokens, codes, verifiers and secrets", "arguments, results and addresses of resources"];
/// In place of what was cut.
const CUT: &str = "(cut)";

/// The facts of one request, and of the authorization that it belongs to.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct SupportBundle {
    v: V1,
    /// The request that was asked for.
    pub request_id: String,
    /// When it was put together.
    pub made_at: Timestamp,
    /// The gateway's version.
    pub gateway_version: &'static str,
    /// The version of the configuration in effect.
    pub configuration_version: Option<u64>,
    /// The server it is about: as far as that is nobody's secret.
    pub server: Option<BundledServer>,
    /// The entries, the oldest first.
    pub entries: Vec<LogEntry>,
    /// What was left out.
    pub cut: Vec<&'static str>,
}

/// What of a server's configuration matters to whoever looks at a failure.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct BundledServer {
    /// Its slug.
    pub slug: String,
    /// Where it is, without what follows its path.
    pub url: String,
    /// What authenticates callers there.
    pub auth: &'static str,
}

impl SupportBundle {
    /// Of what is somebody's own: they are named themselves, and nobody else is.
    pub fn own(request_id: &str, made_at: Timestamp, mut entries: Vec<LogEntry>) -> Self {
        for entry in entries.iter_mut().filter(|entry| entry.actor.is_some()) {
            entry.actor = Some(CUT.to_owned());
        }
        let mut bundle = Self::new(request_id, made_at, entries, true);
        bundle.cut.push("the ids of operators and of other persons");
        bundle
    }

    /// Of these entries. Persons are named only with `names`.
    pub fn new(request_id: &str, made_at: Timestamp, mut entries: Vec<LogEntry>, names: bool) -> Self {
        entries.sort_by_key(|entry| entry.at);
        let mut cut = NEVER_KEPT.to_vec();
        if !names {
            cut.push("the ids of persons and operators");
            for entry in &mut entries {
                for name in [&mut entry.subject, &mut entry.actor].into_iter().flatten() {
                    CUT.clone_into(name);
                }
            }
        }
        Self {
            v: V1,
            request_id: request_id.to_owned(),
            made_at,
            gateway_version: env!("CARGO_PKG_VERSION"),
            configuration_version: None,
            server: None,
            entries,
            cut,
        }
    }
}
