//! The shape of what is said of limits.
//!
//! Not here: how they are counted (`flow::call::rate`, `flow::call::load`).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Deserialize;

#[cfg(not(target_arch = "wasm32"))]
use schemars::JsonSchema;

/// An isolate has 128 MB for everything, and a body is there about three times: as it came, in Rust, and as it is sent
/// on.
pub(in crate::config) const BODY_BYTES: RangeInclusive<u64> = 1024..=16 << 20;
pub(in crate::config) const DEPTH: RangeInclusive<u64> = 8..=100;
/// From the lowest rung of the ladder to the highest.
pub(in crate::config) const RATE: RangeInclusive<u64> = 10..=3000;
pub(in crate::config) const CONCURRENT: RangeInclusive<u64> = 1..=1000;

/// Bounds on what a client may send, and how often. What is counted by the minute is approximate.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, default, expecting = "an object")]
pub(in crate::config) struct LimitsDocument {
    /// The largest request body, in bytes. An isolate of 128 MB holds each about three times.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *BODY_BYTES.start(), max = *BODY_BYTES.end())))]
    pub(in crate::config) body_bytes: u64,
    /// How deep JSON may be nested.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *DEPTH.start(), max = *DEPTH.end())))]
    pub(in crate::config) depth: u64,
    /// How many messages a subject may send in a minute, to all servers. Without it: as many as they like.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *RATE.start(), max = *RATE.end())))]
    pub(in crate::config) per_subject: Option<u64>,
    /// How many messages a client may send in a minute, for all subjects. Without it: as many as it likes.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *RATE.start(), max = *RATE.end())))]
    pub(in crate::config) per_client: Option<u64>,
    /// How many messages an API key may send in a minute. Without it: as many as it likes.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *RATE.start(), max = *RATE.end())))]
    pub(in crate::config) per_key: Option<u64>,
    /// How many steps of authorizing, signing in and connecting one address may take in a minute.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *RATE.start(), max = *RATE.end())))]
    pub(in crate::config) sign_in_per_address: u64,
    /// How many requests for tokens one address may send in a minute. Without it: any, as hosted clients share addresses.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *RATE.start(), max = *RATE.end())))]
    pub(in crate::config) token_per_address: Option<u64>,
}

impl Default for LimitsDocument {
    fn default() -> Self {
        Self {
            body_bytes: 4 << 20,
            depth: 64,
            per_subject: None,
            per_client: None,
            per_key: None,
            sign_in_per_address: 1200,
            token_per_address: None,
        }
    }
}

/// How often and how many at once a server may be called.
#[derive(Default, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, default, expecting = "an object")]
pub(in crate::config) struct ServerLimitsDocument {
    /// How many messages it may get in a minute, of all callers. Without it: any.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *RATE.start(), max = *RATE.end())))]
    pub(in crate::config) per_server: Option<u64>,
    /// How often a tool of it may be called in a minute, by all callers together: tools by name.
    pub(in crate::config) per_tool: BTreeMap<String, u64>,
    /// How many calls may wait for its answer at once, in each isolate. Without it: any.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *CONCURRENT.start(), max = *CONCURRENT.end())))]
    pub(in crate::config) concurrent: Option<u64>,
}
