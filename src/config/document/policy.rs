//! The shape of policy: who may see and use what, which scopes there are, and where roles come from.
//!
//! Not here: what the values must satisfy (`config::policy`, `config::scopes`, `config::roles`).

use std::collections::BTreeMap;

#[cfg(not(target_arch = "wasm32"))]
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Number;

/// What there is of a server's tools, prompts or resources; everything else is hidden. An empty `allow` hides all.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an object with \"allow\" or \"allow_patterns\"")]
pub(in crate::config) struct FilterDocument {
    /// Names or URIs, exactly as the server writes them.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Option<Vec<String>>"))]
    pub(in crate::config) allow: Option<Vec<Option<String>>>,
    /// Patterns in which `*` stands for any run of characters. Nothing else is special.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Option<Vec<String>>"))]
    pub(in crate::config) allow_patterns: Option<Vec<Option<String>>>,
}

/// What a caller needs for the tools, prompts and resources that the rule names. Every rule that names one has to hold.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an object that says what it is about and what it needs")]
pub(in crate::config) struct RuleDocument {
    /// The tools it is about: names, or patterns with `*`.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(in crate::config) tools: Vec<Option<String>>,
    /// The prompts it is about: names, or patterns with `*`.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(in crate::config) prompts: Vec<Option<String>>,
    /// The resources it is about: URIs, or patterns with `*`.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(in crate::config) resources: Vec<Option<String>>,
    /// The resource templates it is about: URI templates, or patterns with `*`.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(in crate::config) resource_templates: Vec<Option<String>>,
    /// The scopes that are needed, all of them. Each is defined in the top-level `scopes`.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(in crate::config) scopes: Vec<Option<String>>,
    /// The roles of which one is needed.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(in crate::config) roles: Vec<Option<String>>,
    /// The claims of the login that are needed, all of them, each with the values of which one is needed.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "BTreeMap<String, Vec<String>>"))]
    pub(in crate::config) claims: BTreeMap<String, Vec<Option<String>>>,
    /// What the arguments of a call must be, by JSON pointer into them, such as `/team`.
    #[serde(default)]
    pub(in crate::config) when: BTreeMap<String, ConditionDocument>,
}

/// What an argument must be: everything that is said here. One that is not there fails, unless `absent` is true.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an object with a condition")]
pub(in crate::config) struct ConditionDocument {
    /// It is exactly this text, number, true or false.
    pub(in crate::config) equals: Option<ScalarDocument>,
    /// It is exactly one of these.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Option<Vec<ScalarDocument>>"))]
    pub(in crate::config) one_of: Option<Vec<Option<ScalarDocument>>>,
    /// It is a text that begins with this.
    pub(in crate::config) prefix: Option<String>,
    /// It is a number, and no smaller than this.
    pub(in crate::config) minimum: Option<Number>,
    /// It is a number, and no larger than this.
    pub(in crate::config) maximum: Option<Number>,
    /// It is a text of so many characters at most.
    pub(in crate::config) max_length: Option<u64>,
    /// It may be left out; if nothing else is said here, it must be.
    #[serde(default)]
    pub(in crate::config) absent: bool,
}

/// A text, a number, true or false.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(untagged, expecting = "a text, a number, true or false")]
pub(in crate::config) enum ScalarDocument {
    /// A text.
    Text(String),
    /// A number.
    Number(Number),
    /// True or false.
    Bool(bool),
}

/// A scope that rules can ask for.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an object with a \"title\"")]
pub(in crate::config) struct ScopeDocument {
    /// What it allows, as people read it when they consent, such as `Change issues`.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
    pub(in crate::config) title: Option<String>,
    /// The scopes that it stands for as well.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Vec<String>"))]
    pub(in crate::config) implies: Vec<Option<String>>,
}

/// Where people's roles come from.
#[derive(Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an object with a \"claim\"")]
pub(in crate::config) struct RolesDocument {
    /// The claim of the login that says them: its whole name, such as `groups`, or a JSON pointer that begins with `/`.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(required))]
    pub(in crate::config) claim: Option<String>,
    /// Role by value of the claim. Without it the values are the roles.
    pub(in crate::config) map: Option<BTreeMap<String, String>>,
}
