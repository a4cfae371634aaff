//! An MCP gateway that runs inside a CDN.
//!
//! Toward MCP clients it is an OAuth 2.1 authorization server and protected resource, toward upstream MCP servers an
//! OAuth client that holds each person's tokens, sealed; between them a JSON-RPC proxy that authenticates and streams.
//! Read `ARCHITECTURE.md` for the map.
//!
//! Words, and no synonyms:
//!
//! - **client**: Claude, Cursor: what a person uses. **gateway**: this. **server**: one configured upstream MCP server,
//!   addressed by its **slug**.
//! - **login**: the identity provider. **subject**: a person or machine identity. **operator**: who configures and
//!   deploys.
//! - **capability**: a tool, prompt, resource or resource template of a server. **policy**: which of them there are
//!   for whom: a **filter** hides, a **rule** asks for scopes, **roles**, claims, or conditions on arguments.
//! - **grant**: what a subject allowed a client. **consent**: that they did, as it is remembered.
//! - **agent**: a program that a person named and answers for, its **sponsor**. **proof**: that who sends a request
//!   has the key that its token is bound to.
//! - **connection**: what authenticates one **account** of its **owner**, a subject or the gateway, at one server.
//!   **credential**: what is in it, sealed. **issuer**: the authorization server that a connection is made at.
//! - **caller**: who calls, however they proved it. **call**: a client's message on its way to a server. **era**:
//!   *modern* is MCP 2026-07-28 and later, *legacy* up to 2025-11-25. **signal**: how a client is told that a person
//!   must connect first.
//! - **flow**: what orchestrates one request. **port**: what a flow may do to the world. **host operation**: a port's
//!   work that JavaScript does. **record**: what is written down of one request. **tally**: what was counted of some.
//!   **delta**: a tally that an isolate tells, once. **shard**: one of the objects that sum them up.
//! - **check**: the gateway's own way to a server, gone for an operator. **finding**: what is wrong on it.
//! - **failure**: a refusal with its **reason** (a stable code), its **blame** (who must act), its cause and its fix.
//! - **entry**: what the authorization log keeps of one request: its **steps** and what each came to.
//! - **object**: a Durable Object. **directory**: Workers KV. **isolate**: one instance of the Worker; its **memory**
//!   can be lost at any moment. **replica**: a connection's copy in the directory. **marker**: that something was
//!   revoked, in the directory.
//!
//! Not here: anything that runs outside a request. The Worker has no background work of its own.

// From the ground up.
pub mod headers; // header fields, as a flat list
pub mod json; // JSON as a tree, and the one way from it into types
pub mod loopback; // which hosts are this machine
mod reasons; // an error's reason codes, each beside its words
pub mod secret; // secrets as types
pub mod time; // moments and spans as types
pub mod untrusted; // text that somebody else wrote
pub mod vault; // keys, and what is sealed with them
pub mod version; // the version of a stored record

pub mod authorization_log; // entries, and how they are asked for
pub mod jose; // signed tokens and keys of others
pub mod mcp; // messages, transport, the connect signal, rewriting
pub mod metrics; // counters, and what they add up to
pub mod oauth; // the authorization server's texts and records
pub mod oauth_client; // the gateway as a client of other authorization servers
pub mod policy; // who may see and use which tool, prompt and resource
pub mod upstream; // connections to servers, their credentials and keys

pub mod caller; // who calls a server
pub mod config; // gateway.json in, proven types out
pub mod login; // the identity provider, and the browser session
pub mod page; // what people see

pub mod memory; // what an isolate remembers
pub mod ports; // what a flow may do to the world
pub mod record; // what is known of one request by its end
pub mod waiting; // calls under way that wait for something
pub mod web; // what every endpoint shares of HTTP
pub mod wire; // how requests, replies and host operations cross between Rust and JavaScript

pub mod flow; // one folder for each role of the specifications

pub mod gateway; // one request

#[cfg(target_arch = "wasm32")]
mod edge; // the runtime
