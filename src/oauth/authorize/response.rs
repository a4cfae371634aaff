//! The authorization response (OAuth 2.1 §4.1.2): the address that carries a code or an error back to the client.
//!
//! Every response has `iss` (RFC 9207), and each parameter once: a redirect URI with one of them in its own query was
//! refused when it was read. Not here: the redirect itself; after a form it is a 303, never a 307 (OAuth 2.1 §7).

use super::error::RedirectError;
use crate::oauth::client::redirect::RedirectUri;

/// Where to send the browser with the code: `code`, `state` if one was sent, and `iss`.
pub fn success_location(redirect: &RedirectUri, issuer: &str, state: Option<&str>, code: &str) -> String {
    location(redirect, &[("code", code)], state, issuer)
}

/// Where to send the browser with an error.
pub fn error_location(redirect: &RedirectUri, issuer: &str, state: Option<&str>, error: &RedirectError) -> String {
    let told = [("error", error.error.as_str()), ("error_description", error.description())];
    location(redirect, &told, state, issuer)
}

fn location(redirect: &RedirectUri, told: &[(&str, &str)], state: Option<&str>, issuer: &str) -> String {
    let mut parameters = told.to_vec();
    parameters.extend(state.map(|state| ("state", state)));
    parameters.push(("iss", issuer));
    redirect.with_query(&parameters)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;
    use crate::oauth::error::ErrorCode;

    const ISSUER: &str = "https://gw.example";

    fn success(redirect: &str, state: Option<&str>, code: &str) -> String {
        success_location(&RedirectUri::parse(redirect).unwrap(), ISSUER, state, code)
    }

    fn parameters(location: &str) -> Vec<(String, String)> {
        Url::parse(location).unwrap().query_pairs().into_owned().collect()
    }

    fn names(location: &str) -> Vec<String> {
        parameters(location).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn one_of_each_and_the_own_query_stays() {
        let redirect = "https://a.example/cb?x=1";
        assert_eq!(names(&success(redirect, Some("s"), "c")), ["x", "code", "state", "iss"]);
        let denied = RedirectError::new(ErrorCode::AccessDenied, "the person refused");
        let location = error_location(&RedirectUri::parse(redirect).unwrap(), ISSUER, Some("s"), &denied);
        assert_eq!(names(&location), ["x", "error", "error_description", "state", "iss"]);
        assert!(location.contains("error=access_denied"));
        assert_eq!(names(&success("cursor://anysphere.cursor-mcp/oauth/callback", None, "c")), ["code", "iss"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn state_comes_back_exactly(state in "\\PC{1,40}", code in "[ -~]{1,40}") {
            let told = parameters(&success("http://localhost/cb", Some(&state), &code));
            let expected = [("code", code.as_str()), ("state", state.as_str()), ("iss", ISSUER)];
            prop_assert_eq!(told, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
        }
    }
}
