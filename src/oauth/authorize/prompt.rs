//! `prompt` (`OpenID` Connect Core §3.1.2.1): how a client wants the person at the browser to be asked.
//!
//! Not here: signing in, and who is asked without it (`flow::authorize`).

use std::fmt;

use url::form_urlencoded;

const NAME: &str = "prompt";

/// What a client wants. What it does not say is left to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a set of four values, each of which is there or not")]
pub struct Prompt {
    /// No page may be shown: whatever needs one is an error.
    pub none: bool,
    /// The person has to prove anew who they are.
    pub login: bool,
    /// The person has to say as whom.
    pub select_account: bool,
    /// The person has to consent, although they did before.
    pub consent: bool,
}

/// `none` beside something else: no page, and a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contradiction;

impl Prompt {
    /// Every value that is honoured, as the metadata lists them.
    pub const VALUES: [&str; 4] = ["none", "login", "consent", "select_account"];

    /// Reads the parameter. Values of extensions that the gateway does not know are left out: refusing them would keep
    /// clients from using those anywhere (Initiating User Registration §4.1).
    pub fn parse(text: &str) -> Result<Self, Contradiction> {
        let asked: Vec<_> = text.split(' ').filter(|value| !value.is_empty()).collect();
        let wants = |value| asked.contains(&value);
        if wants("none") && asked.iter().any(|value| *value != "none") {
            return Err(Contradiction);
        }
        Ok(Self {
            none: wants("none"),
            login: wants("login"),
            select_account: wants("select_account"),
            consent: wants("consent"),
        })
    }

    /// Whether a person who is signed in has to sign in all the same.
    pub fn demands_sign_in(self) -> bool {
        self.login || self.select_account
    }
}

/// A query in which the sign-in that [`Prompt::demands_sign_in`] is done, and only that: everything else stays as it
/// was written.
pub fn signed_in(query: &str) -> String {
    let kept = query.split('&').filter_map(|pair| {
        let (name, value) = form_urlencoded::parse(pair.as_bytes()).next()?;
        if name != NAME {
            return Some(pair);
        }
        value.split(' ').any(|value| value == "consent").then_some("prompt=consent")
    });
    kept.collect::<Vec<_>>().join("&")
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("prompt has none beside another value")
    }
}

impl std::error::Error for Contradiction {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_honoured_and_strange_ones_left_out() {
        let nothing = Prompt::default();
        assert_eq!(Prompt::parse(""), Ok(nothing));
        assert_eq!(Prompt::parse("none"), Ok(Prompt { none: true, ..nothing }));
        let both = Prompt { login: true, consent: true, ..nothing };
        assert_eq!(Prompt::parse("consent  login create Login"), Ok(both));
        assert!(both.demands_sign_in() && !Prompt { consent: true, ..nothing }.demands_sign_in());
        assert!(Prompt::parse("select_account").unwrap().demands_sign_in());
    }

    #[test]
    fn no_page_and_a_page_contradict_each_other() {
        for text in ["none login", "consent none", "none create"] {
            assert_eq!(Prompt::parse(text), Err(Contradiction), "{text}");
        }
    }

    #[test]
    fn only_the_sign_in_is_taken_out_of_a_query() {
        for (query, left) in [
            ("a=%7b%22x%22&prompt=login&state=b+c", "a=%7b%22x%22&state=b+c"),
            ("prompt=select_account%20consent&a=1", "prompt=consent&a=1"),
            ("%70rompt=login+consent", "prompt=consent"),
            ("promptly=login&x=prompt=login", "promptly=login&x=prompt=login"),
            ("prompt=login", ""),
        ] {
            assert_eq!(signed_in(query), left);
        }
    }
}
