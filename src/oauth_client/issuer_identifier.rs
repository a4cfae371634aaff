//! When two spellings of an issuer's identifier stand for the same one: characters decide (RFC 8414 §3.3), and a slash
//! at the end is dealt with here.
//!
//! Not here: `iss` in an answer, where not even that is forgiven (`authorization`).

/// Whether two spellings name the same issuer for the purpose of finding its metadata: a slash at the end leads to the
/// same place (RFC 8414 §3.1).
pub fn same(one: &str, other: &str) -> bool {
    one == other || same_but_for_slash(one, other)
}

/// Whether only a slash at their ends tells them apart.
pub fn same_but_for_slash(one: &str, other: &str) -> bool {
    stem(one) == stem(other)
}

/// Whether both are one origin and nothing else, with the slash that URL libraries put behind it or without: RFC 3986
/// §6.2.3 reads both as the same URL.
pub fn same_bare_origin(one: &str, other: &str) -> bool {
    let bare = |text: &str| {
        text.split_once("://").is_some_and(|(_, rest)| !rest.trim_end_matches('/').contains(['/', '?', '#']))
    };
    bare(one) && same_but_for_slash(one, other)
}

fn stem(text: &str) -> &str {
    text.strip_suffix('/').unwrap_or(text)
}
