//! The shape of what is said of the logs.
//!
//! Not here: how many days a log can be kept (`config`).

use std::ops::RangeInclusive;

use serde::Deserialize;

#[cfg(not(target_arch = "wasm32"))]
use schemars::JsonSchema;

pub(in crate::config) const LOG_DAYS: RangeInclusive<u64> = 1..=400;

/// What is logged.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, default, expecting = "an object")]
pub(in crate::config) struct LogDocument {
    /// Which calls to servers have a line: all, those that are refused, or none. Arguments and results are never logged.
    pub(in crate::config) calls: LoggedCalls,
    /// How much is told: with `debug` each step of an authorization is a line of its own. Secrets are in none.
    pub(in crate::config) level: LogLevel,
    /// How subjects are named in lines and in the authorization log: as they are, or by a digest under the gateway's key.
    pub(in crate::config) subjects: LoggedSubjects,
    /// How long the authorization log keeps an entry, in days.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = *LOG_DAYS.start(), max = *LOG_DAYS.end())))]
    pub(in crate::config) authorization_days: u64,
}

impl Default for LogDocument {
    fn default() -> Self {
        Self {
            calls: LoggedCalls::default(),
            level: LogLevel::default(),
            subjects: LoggedSubjects::default(),
            authorization_days: 30,
        }
    }
}

/// Which calls to servers have a line in the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LoggedCalls {
    /// Every call.
    #[default]
    All,
    /// Those that the gateway refuses, or answers in a server's stead.
    Refusals,
    /// None.
    None,
}

/// How much the log tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(rename_all = "snake_case", expecting = "\"info\" or \"debug\"")]
pub enum LogLevel {
    /// A line for each request.
    #[default]
    Info,
    /// And one for each step of an authorization.
    Debug,
}

/// How subjects are named in logs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(rename_all = "snake_case", expecting = "\"full\" or \"hashed\"")]
pub enum LoggedSubjects {
    /// As they are.
    #[default]
    Full,
    /// By a digest under the gateway's key, so that nobody without it can try names.
    Hashed,
}
