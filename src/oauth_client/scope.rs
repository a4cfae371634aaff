//! Scopes at upstreams: kept as the text they were written in, because what an operator configured is sent exactly.
//!
//! Not here: the gateway's own scopes ([`crate::oauth::scope`]), which are a set without order.

use serde_json::Value;

/// More than any scope parameter holds.
const LONGEST: usize = 4096;

/// Asks for a refresh token (`OpenID` Connect Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// A foreign scope text with single spaces; `None` if it is empty, too long, or has a character no scope has (OAuth 2.1
/// §1.4.1).
pub fn proven(text: &str) -> Option<String> {
    let fits = text.len() <= LONGEST && text.split(' ').all(is_token_or_empty);
    fits.then(|| join(tokens(text))).filter(|joined| !joined.is_empty())
}

/// What an issuer says that it granted: a text, or a list. It may be separated by commas (GitHub, Slack): no scope in
/// use has one.
pub fn granted(scope: &Value) -> Option<String> {
    match scope {
        Value::String(text) if text.contains(' ') => proven(text),
        Value::String(text) => proven(&text.replace(',', " ")),
        Value::Array(names) => proven(&names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        _ => None,
    }
}

/// The scopes of a metadata list; what is no scope is left out.
pub fn listed(names: &[String]) -> Option<String> {
    let legal = names.iter().map(String::as_str).filter(|name| !name.is_empty() && is_token_or_empty(name));
    Some(join(legal)).filter(|joined| !joined.is_empty() && joined.len() <= LONGEST)
}

/// The scopes of both, each once, in the order they came.
pub fn union(one: &str, other: &str) -> String {
    let mut all: Vec<&str> = Vec::new();
    for token in tokens(one).chain(tokens(other)) {
        if !all.contains(&token) {
            all.push(token);
        }
    }
    all.join(" ")
}

/// Whether every wanted scope is among the held. Who was told nothing about its scopes holds none for certain.
pub fn covers(held: Option<&str>, wanted: &str) -> bool {
    let held: Vec<&str> = held.map(tokens).into_iter().flatten().collect();
    tokens(wanted).all(|token| held.contains(&token))
}

/// What is known when a scope is chosen.
#[derive(Debug, Clone, Copy, Default)]
pub struct KnownScopes<'a> {
    /// What the operator configured.
    pub configured: Option<&'a str>,
    /// What the connection that is replaced was asked for, when more is needed now.
    pub held: Option<&'a str>,
    /// What a call was refused for lack of.
    pub wanted: Option<&'a str>,
    /// The `scope` of the server's 401.
    pub challenged: Option<&'a str>,
    /// `scopes_supported` of the server's metadata.
    pub of_resource: Option<&'a [String]>,
    /// `scopes_supported` of the issuer's metadata.
    pub of_issuer: &'a [String],
}

/// Which scope to ask for; `None` leaves it out.
///
/// 1. What the operator configured, exactly (P6).
/// 2. Else the server's challenge; else all that its metadata lists; else none (MCP authorization, "Scope Selection
///    Strategy").
/// 3. With `offline_access` where the issuer has it, and something else is asked for: alone it would stand for nothing.
/// 4. A step-up asks for what was held and what is missing (MCP authorization, "Step-Up Authorization Flow").
pub fn choose(known: &KnownScopes<'_>) -> Option<String> {
    let base = match (known.configured, known.challenged, known.of_resource) {
        (Some(configured), _, _) => Some(configured.to_owned()),
        (None, challenged, of_resource) => challenged.and_then(proven).or_else(|| listed(of_resource?)).map(|scope| {
            let offered = known.of_issuer.iter().any(|scope| scope == OFFLINE_ACCESS);
            if offered { union(&scope, OFFLINE_ACCESS) } else { scope }
        }),
    };
    let Some(wanted) = known.wanted else { return base };
    let so_far = known.held.or(base.as_deref()).unwrap_or_default();
    Some(union(so_far, wanted)).filter(|scope| !scope.is_empty())
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|token| !token.is_empty())
}

fn join<'a>(tokens: impl Iterator<Item = &'a str>) -> String {
    tokens.collect::<Vec<_>>().join(" ")
}

fn is_token_or_empty(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_configured_scope_is_sent_exactly() {
        let issuer = names(&["offline_access"]);
        let known = KnownScopes {
            configured: Some("write  read"),
            challenged: Some("other"),
            of_issuer: &issuer,
            ..KnownScopes::default()
        };
        assert_eq!(choose(&known).as_deref(), Some("write  read"));
    }

    #[test]
    fn the_challenge_goes_before_the_metadata_and_that_before_nothing() {
        let listed = names(&["a", "b", "not a scope", "c\"d"]);
        let known = KnownScopes { of_resource: Some(&listed), ..KnownScopes::default() };
        assert_eq!(choose(&KnownScopes { challenged: Some("x y"), ..known }).as_deref(), Some("x y"));
        assert_eq!(choose(&known).as_deref(), Some("a b"));
        assert_eq!(choose(&KnownScopes::default()), None);
        assert_eq!(choose(&KnownScopes { of_resource: Some(&[]), ..known }), None);
    }

    #[test]
    fn offline_access_is_added_only_where_the_issuer_has_it() {
        let issuer = names(&["offline_access", "a"]);
        let known = KnownScopes { challenged: Some("a"), ..KnownScopes::default() };
        assert_eq!(choose(&KnownScopes { of_issuer: &issuer, ..known }).as_deref(), Some("a offline_access"));
        assert_eq!(choose(&known).as_deref(), Some("a"));
        assert_eq!(choose(&KnownScopes { of_issuer: &issuer, ..KnownScopes::default() }), None);
    }

    #[test]
    fn a_step_up_keeps_what_was_held() {
        let known = KnownScopes { wanted: Some("admin read"), challenged: Some("read"), ..KnownScopes::default() };
        assert_eq!(choose(&KnownScopes { held: Some("read write"), ..known }).as_deref(), Some("read write admin"));
        assert_eq!(choose(&known).as_deref(), Some("read admin"));
    }

    #[test]
    fn what_was_granted_may_be_written_with_commas_or_as_a_list() {
        let read = |text: &str| granted(&serde_json::from_str(text).unwrap());
        for (said, scope) in [
            (r#""repo,user""#, Some("repo user")),
            (r#""repo user""#, Some("repo user")),
            (r#""a,b c""#, Some("a,b c")),
            (r#"["a","b"]"#, Some("a b")),
            (r#""""#, None),
            ("7", None),
            ("null", None),
        ] {
            assert_eq!(read(said).as_deref(), scope, "{said}");
        }
    }

    #[test]
    fn what_is_held_is_compared_by_token() {
        assert!(covers(Some("a b"), "b"));
        assert!(!covers(Some("ab"), "a"));
        assert!(!covers(None, "a"));
        assert!(covers(None, ""));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn what_is_proven_can_be_sent(text in "\\PC{0,40}") {
            if let Some(scope) = proven(&text) {
                prop_assert!(crate::oauth::scope::ScopeSet::parse(&scope).is_ok());
                prop_assert_eq!(proven(&scope), Some(scope));
            }
        }

        #[test]
        fn a_union_covers_both(one in "[a-c ]{0,9}", other in "[a-c ]{0,9}") {
            let both = union(&one, &other);
            prop_assert!(covers(Some(&both), &one) && covers(Some(&both), &other));
        }
    }
}
