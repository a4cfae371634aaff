//! An MCP gateway that runs inside a CDN.
//!
//! Toward MCP clients it is an OAuth 2.1 authorization server and protected resource, toward upstream MCP servers an OAuth client
//! that holds each person's tokens, sealed; between them a JSON-RPC proxy that authenticates and streams. Read `ARCHITECTURE.md`
//! for the map.
//!
//! Words, and no synonyms: **client** (Claude, Cursor, an agent), **gateway** (this), **server** (one configured upstream MCP
//! server, addressed by its **slug**), **login** (the identity provider), **subject** (a person or machine identity), **grant**
//! (what a subject allowed a client), **connection** (what authenticates one account of a subject, or of the gateway, at one server).
//!
//! Not here: anything that runs outside a request. The Worker has no background work of its own.

pub mod config;
#[cfg(target_arch = "wasm32")]
mod edge;
pub mod flow;
pub mod gateway;
pub mod json;
pub mod login;
pub mod loopback;
pub mod mcp;
pub mod memory;
pub mod oauth;
pub mod oauth_client;
pub mod page;
pub mod ports;
pub mod secret;
pub mod time;
pub mod untrusted;
pub mod upstream;
pub mod vault;
pub mod version;
pub mod web;
