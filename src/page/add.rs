//! What each client wants to be told to add a server: a command, a link, or a piece of its configuration file.
//!
//! Not here: the words around them (`templates/servers.html`).

use std::borrow::Cow;

use base64ct::{Base64, Encoding};
use serde_json::json;
use url::form_urlencoded::byte_serialize;

pub(super) fn claude_command(slug: &str, url: &str) -> String {
    format!("claude mcp add --transport http {} {}", shell(slug), shell(url))
}

pub(super) fn codex_commands(slug: &str, url: &str) -> String {
    format!("codex mcp add {} --url {}\ncodex mcp login {}", shell(slug), shell(url), shell(slug))
}

/// <https://cursor.com/docs/mcp/install-links>: the entry of `mcp.json`, base64.
pub(super) fn cursor_link(slug: &str, url: &str) -> String {
    let config = Base64::encode_string(json!({ "url": url }).to_string().as_bytes());
    format!("cursor://anysphere.cursor-deeplink/mcp/install?name={}&config={}", component(slug), component(&config))
}

pub(super) fn vscode_link(slug: &str, url: &str) -> String {
    let entry = json!({ "name": slug, "type": "http", "url": url });
    format!("vscode:mcp/install?{}", component(&entry.to_string()))
}

/// It needs Node 22, and an older npx would choose an old version of it without a word: both are named.
pub(super) fn inspector_command(url: &str) -> String {
    const INSPECTOR: &str = "npx -y -p node@22 -p @modelcontextprotocol/inspector@latest mcp-inspector";
    format!("{INSPECTOR} --transport http --server-url {}", shell(url))
}

/// For clients that only speak stdio.
pub(super) fn remote_command(url: &str) -> String {
    format!("npx -y mcp-remote {}", shell(url))
}

/// The `mcpServers` entry that most clients read.
pub(super) fn json_snippet(slug: &str, url: &str) -> String {
    let entry = json!({ "mcpServers": { slug: { "type": "http", "url": url } } });
    format!("{entry:#}")
}

/// Percent-encoded as `decodeURIComponent` reads it: the form encoding's `+` for a space would stay a plus.
fn component(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// One word of a POSIX shell: people paste these lines.
fn shell(word: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mcp.example.com/v1/mcp/linear";

    #[test]
    fn commands_are_ready_to_paste() {
        assert_eq!(claude_command("linear", URL), format!("claude mcp add --transport http linear {URL}"));
        assert_eq!(codex_commands("linear", URL), format!("codex mcp add linear --url {URL}\ncodex mcp login linear"));
        let inspector = "npx -y -p node@22 -p @modelcontextprotocol/inspector@latest mcp-inspector --transport http";
        assert_eq!(inspector_command(URL), format!("{inspector} --server-url {URL}"));
    }

    #[test]
    fn a_hostile_path_cannot_leave_its_word() {
        assert_eq!(shell("https://x/$(rm)'; ls"), r"'https://x/$(rm)'\''; ls'");
        assert_eq!(shell(""), "''");
    }

    #[test]
    fn links_carry_the_entry_the_client_decodes() {
        let link = cursor_link("linear", URL);
        let config =
            url::Url::parse(&link).unwrap().query_pairs().find(|(name, _)| name == "config").unwrap().1.into_owned();
        let entry: serde_json::Value = serde_json::from_slice(&Base64::decode_vec(&config).unwrap()).unwrap();
        assert_eq!(entry, json!({ "url": URL }));
        assert!(vscode_link("my docs", URL).starts_with("vscode:mcp/install?%7B%22name%22%3A%22my%20docs%22%2C"));
    }

    #[test]
    fn the_snippet_is_json_with_one_server() {
        let snippet: serde_json::Value = serde_json::from_str(&json_snippet("linear", URL)).unwrap();
        assert_eq!(snippet.pointer("/mcpServers/linear/url").and_then(|url| url.as_str()), Some(URL));
    }
}
