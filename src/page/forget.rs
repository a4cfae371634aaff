//! How each client forgets a server, for whoever has to begin anew. `docs/data/clients.json` says the same, and a test
//! compares them.
//!
//! Not here: adding a server (`add`), and what each client keeps where, which the guide to clients says.

/// A client, and how it forgets; what stands between backticks is code.
const WAYS: [(&str, &str); 12] = [
    ("Claude, web and desktop", "Remove the connector and add it again."),
    ("Claude Code", "`/mcp` → the server → Clear authentication; or `claude mcp remove {slug}` and add it again."),
    ("ChatGPT", "Remove the app and create it again."),
    ("Codex", "`codex mcp logout {slug}`, then log in again."),
    ("GitHub Copilot CLI", "`rm -r ~/.copilot/mcp-oauth-config`. It is about all servers."),
    ("Cursor", "Command palette → `Cursor: Clear All MCP Tokens`. It is about all servers."),
    ("VS Code", "Command palette → `Authentication: Remove Dynamic Authentication Providers`, and choose the gateway."),
    ("Windsurf", "Remove the server from the file, refresh, and add it again."),
    ("Zed", "Remove the server, restart Zed, add it again."),
    ("Goose", "Remove the extension in `goose configure`, and its entry in the keychain."),
    ("MCP Inspector", "`rm -r ~/.mcp-inspector`."),
    ("mcp-remote, for clients that only speak stdio", "`rm -r ~/.mcp-auth`. It is about all servers."),
];

/// What stands for the server's slug where there are several.
const NAME: &str = "NAME";

/// A piece of a text.
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) code: bool,
}

/// Each client, and how it forgets.
pub(super) fn ways() -> impl Iterator<Item = (&'static str, Vec<Piece>)> {
    WAYS.into_iter().map(|(client, way)| (client, pieces(way)))
}

/// Every second piece is between backticks.
fn pieces(way: &str) -> Vec<Piece> {
    let filled = way.replace("{slug}", NAME);
    let pieces = filled.split('`').enumerate().filter(|(_, text)| !text.is_empty());
    pieces.map(|(at, text)| Piece { text: text.to_owned(), code: at % 2 == 1 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_words() {
        let shown: Vec<(String, bool)> =
            pieces("`a {slug}`, then `b`.").into_iter().map(|piece| (piece.text, piece.code)).collect();
        let expected = [("a NAME", true), (", then ", false), ("b", true), (".", false)];
        assert_eq!(shown, expected.map(|(text, code)| (text.to_owned(), code)));
        assert!(ways().all(|(_, way)| way.iter().any(|piece| !piece.text.is_empty())));
    }
}
