//! What is inlined into pages, and their name where the operator gave them none.
//!
//! Not here: which page has which of it (the templates).

/// What the gateway is called where its operator gave it no name.
pub(super) const NAME: &str = "MCP gateway";

/// The stylesheet, byte for byte what stands in `<style>`: its hash is in the policy of [`csp`](super::security::csp).
pub(super) const STYLE: &str = include_str!("style.css");

/// For pages whose form grants something. The second click of a double click may land on such a page the moment a
/// window in front of it is gone ("double clickjacking", which no framing policy sees), so its buttons rest for half a
/// second after it came to the front. Without scripts the form works all the same. Byte for byte what stands in
/// `<script>`, as the policy has its hash.
pub(super) const GUARD: &str = include_str!("guard.js");

/// For pages with something to copy or many servers: what it shows is hidden until it runs, and nothing else depends on
/// it. Byte for byte what stands in `<script>`, as the policy has its hash.
pub(super) const ADDING: &str = include_str!("adding.js");
