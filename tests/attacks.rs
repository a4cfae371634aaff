//! Who tries to harm, and gets nothing: each test is one attack, named after what withstands it.
//!
//! Not here: malformed input as such, which the property tests of each parser have.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]
#![allow(unreachable_pub, reason = "what the tests of one binary share")]

#[path = "attacks/agents.rs"]
mod agents;
#[path = "attacks/agents_beside.rs"]
mod agents_beside;
#[path = "attacks/anonymous.rs"]
mod anonymous;
#[path = "attacks/apps.rs"]
mod apps;
#[path = "attacks/assertions.rs"]
mod assertions;
#[path = "attacks/authorization.rs"]
mod authorization;
#[path = "attacks/between_ways.rs"]
mod between_ways;
#[path = "attacks/browser.rs"]
mod browser;
#[path = "attacks/catalogue.rs"]
mod catalogue;
#[path = "attacks/client_assertions.rs"]
mod client_assertions;
#[path = "attacks/client_keys.rs"]
mod client_keys;
#[path = "attacks/connect.rs"]
mod connect;
#[path = "attacks/connections.rs"]
mod connections;
#[path = "attacks/consent.rs"]
mod consent;
#[path = "attacks/console.rs"]
mod console;
#[path = "attacks/cookies.rs"]
mod cookies;
#[path = "attacks/documents.rs"]
mod documents;
#[path = "attacks/dpop.rs"]
mod dpop;
#[path = "attacks/ended.rs"]
mod ended;
#[path = "attacks/id_tokens.rs"]
mod id_tokens;
#[path = "attacks/introspection.rs"]
mod introspection;
#[path = "attacks/issuers.rs"]
mod issuers;
#[path = "attacks/kept.rs"]
mod kept;
#[path = "attacks/keys.rs"]
mod keys;
#[path = "attacks/leaving.rs"]
mod leaving;
#[path = "attacks/limits.rs"]
mod limits;
#[path = "attacks/log_injection.rs"]
mod log_injection;
#[path = "attacks/machines.rs"]
mod machines;
#[path = "attacks/mix_up.rs"]
mod mix_up;
#[path = "attacks/operators.rs"]
mod operators;
#[path = "attacks/own_hosts.rs"]
mod own_hosts;
#[path = "attacks/own_page.rs"]
mod own_page;
#[path = "attacks/policy.rs"]
mod policy;
#[path = "attacks/proxy.rs"]
mod proxy;
#[path = "attacks/quoted.rs"]
mod quoted;
#[path = "attacks/recheck.rs"]
mod recheck;
#[path = "attacks/registrations.rs"]
mod registrations;
#[path = "attacks/roles.rs"]
mod roles;
#[path = "attacks/scopes.rs"]
mod scopes;
#[path = "attacks/sealed.rs"]
mod sealed;
#[path = "attacks/signal.rs"]
mod signal;
#[path = "attacks/tokens.rs"]
mod tokens;
#[path = "attacks/transport.rs"]
mod transport;
#[path = "attacks/unavailable.rs"]
mod unavailable;
#[path = "attacks/withdrawn.rs"]
mod withdrawn;
mod world;
