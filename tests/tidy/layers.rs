//! The height of each part of the source: what it may name of the others.
//!
//! Not here: how that is read from the text (`imports`).

const PURE: &[&str] = &["json", "loopback", "reasons", "secret", "time", "untrusted", "version", "web::cookie"];

/// What each part of the crate may name of the others. A part that is not listed may not exist. What `web` shares
/// stands at different heights, so its files are parts of their own.
pub(crate) const LAYERS: &[(&str, &[&str])] = &[
    ("json", &[]),
    ("reasons", &[]),
    ("time", &[]),
    ("secret", &[]),
    ("loopback", &[]),
    ("version", &[]),
    ("untrusted", &["secret"]),
    ("vault", PURE),
    ("web", &[]),
    ("web::cookie", &["secret", "time"]),
    ("web::form", &[]),
    ("oauth", &["json", "loopback", "reasons", "secret", "time", "vault", "version", "web::form"]),
    ("oauth_client", &["json", "loopback", "oauth", "reasons", "secret", "time", "untrusted", "version", "web::form"]),
    ("policy", &["json", "oauth"]),
    ("upstream", &["json", "loopback", "oauth", "oauth_client", "secret", "time", "untrusted", "vault", "version"]),
    ("config", &["json", "loopback", "oauth", "oauth_client", "policy", "secret", "time", "untrusted", "upstream"]),
    (
        "login",
        &[
            "json",
            "loopback",
            "oauth_client",
            "policy",
            "reasons",
            "secret",
            "time",
            "untrusted",
            "version",
            "web::cookie",
        ],
    ),
    ("mcp", PURE),
    ("page", PURE),
    ("caller", &["oauth", "policy", "time"]),
    ("web::trace", &["mcp"]),
    ("record", &["caller", "config", "mcp", "time", "web::trace"]),
    ("ports", &["login", "oauth", "secret", "time", "upstream"]),
    ("web::reply", &["mcp", "time"]),
    ("web::route", &["config", "secret"]),
    ("web::failure", &["mcp", "oauth", "page", "web::reply"]),
    ("web::origin", &["config", "loopback", "web::failure"]),
    ("waiting", &["time"]),
    ("wire", &["mcp", "ports", "time", "web::reply"]),
    ("memory", MEMORY),
    ("flow", FLOW),
    ("web::csrf", &["flow", "web::failure"]),
    ("web::cors", &["config", "flow", "web::failure", "web::origin", "web::reply", "web::route"]),
    ("web::transport", &["config", "flow", "web::failure", "web::origin", "web::reply", "web::route"]),
    ("gateway", &["config", "flow", "mcp", "memory", "page", "ports", "record", "vault", "web"]),
    ("edge", EDGE),
    ("lib", &[]),
];
const MEMORY: &[&str] = &[
    "caller",
    "config",
    "login",
    "mcp",
    "oauth",
    "oauth_client",
    "secret",
    "time",
    "upstream",
    "vault",
    "web::failure",
];
const FLOW: &[&str] = &[
    "caller",
    "config",
    "json",
    "login",
    "mcp",
    "memory",
    "oauth",
    "oauth_client",
    "page",
    "policy",
    "ports",
    "record",
    "secret",
    "time",
    "untrusted",
    "upstream",
    "vault",
    "version",
    "web",
];
const EDGE: &[&str] =
    &["gateway", "json", "login", "mcp", "memory", "oauth", "ports", "secret", "time", "upstream", "waiting", "wire"];

/// Which folder or file of `flow` may name which other: a folder is a role of the specification, and what two of them
/// share lies below both. Everything may name what stands in `flow/mod.rs`.
pub(crate) const FLOWS: &[(&str, &[&str])] = &[
    ("client", &[]),
    ("config", &[]),
    ("revocation", &[]),
    ("api_keys", &["revocation"]),
    ("profile", &[]),
    ("upstream", &[]),
    ("connection", &["revocation", "upstream"]),
    ("holdings", &["connection", "revocation"]),
    ("discover", &["upstream"]),
    ("login", &["profile", "revocation"]),
    ("token", &["client", "profile", "revocation"]),
    ("call", &["api_keys", "config", "connection", "profile", "revocation"]),
    ("authorize", &["client", "connection", "login", "revocation"]),
    ("account", &["api_keys", "connection", "holdings", "login"]),
    ("admin", &["api_keys", "call", "client", "config", "connection", "holdings", "login", "profile", "revocation"]),
    ("connect", &["account", "authorize", "call", "client", "connection", "login", "upstream"]),
];
