//! What answers of an authorization server say to a check that does not go on with them.
//!
//! Not here: asking it, and answers that somebody waits for (`oauth_client`).

use http::StatusCode;
use url::Url;

use crate::oauth_client::metadata::IssuerMetadata;
use crate::upstream::resource_metadata::ResourceMetadata;
use crate::web::form;

/// A registration that cannot be one: whoever may register is told so, and nobody is registered by it.
pub const UNFIT_REGISTRATION: &[u8] = br#"{"redirect_uris":"a check, which registers nobody"}"#;

/// What a registration endpoint says to [`UNFIT_REGISTRATION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationHeard {
    /// It reads what it is sent.
    Open,
    /// It refuses whoever sends.
    Closed,
    /// It took that for a registration.
    TookAnything,
    /// Neither can be said.
    Unknown,
}

impl RegistrationHeard {
    /// By its status alone: what an error is called differs from service to service.
    pub fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            200..=299 => Self::TookAnything,
            300..=399 | 401 | 403 | 404 | 405 | 410 | 501 => Self::Closed,
            400 | 422 => Self::Open,
            _ => Self::Unknown,
        }
    }
}

/// What an authorization endpoint says to a request of somebody who is not signed in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizationHeard {
    /// It leads to a sign-in, or says nothing against the request.
    GoesOn,
    /// It refuses the request: with this code, or this status.
    Refused(String),
    /// It refuses the scope.
    ScopeRefused,
    /// Who asks is refused, or it fails: a person's browser may see something else.
    Unknown,
}

impl AuthorizationHeard {
    /// By its status and, of a redirect back to the gateway, the error in it. `asked` is the endpoint, and `back` where
    /// the answer was to come.
    pub fn of(status: StatusCode, location: Option<&str>, asked: &Url, back: &str) -> Self {
        match status.as_u16() {
            300..=399 => location.and_then(|to| asked.join(to).ok()).map_or(Self::Unknown, |to| Self::sent(&to, back)),
            200..=299 => Self::GoesOn,
            401 | 403 | 429 => Self::Unknown,
            400..=499 => Self::Refused(status.as_u16().to_string()),
            _ => Self::Unknown,
        }
    }

    fn sent(to: &Url, back: &str) -> Self {
        let comes_back = Url::parse(back).is_ok_and(|back| back.origin() == to.origin() && back.path() == to.path());
        let query = form::parse(to.query().unwrap_or_default().as_bytes()).ok().filter(|_| comes_back);
        let error = query.as_ref().and_then(|query| query.one("error").ok().flatten());
        match error {
            Some("invalid_scope") => Self::ScopeRefused,
            // Nobody is signed in, and nobody was to be asked.
            Some("login_required" | "interaction_required" | "consent_required" | "access_denied") | None => {
                Self::GoesOn
            }
            Some(error) => Self::Refused(error.to_owned()),
        }
    }
}

/// Whether two places of a server's metadata say the same of what tokens are for and who issues them.
pub fn same_resource(one: &ResourceMetadata, other: &ResourceMetadata) -> bool {
    (&one.resource, &one.issuers) == (&other.resource, &other.issuers)
}

/// Whether two places of an issuer's metadata lead people and codes to the same places. Each may say more than the
/// other: one is of OAuth, the other of OpenID Connect.
pub fn same_endpoints(one: &IssuerMetadata, other: &IssuerMetadata) -> bool {
    (&one.authorization_endpoint, &one.token_endpoint) == (&other.authorization_endpoint, &other.token_endpoint)
}

/// The scopes asked for that none of these lists has; none where there is no list.
pub fn unlisted(asked: &str, lists: &[&[String]]) -> Vec<String> {
    let known = |scope: &str| lists.iter().any(|list| list.iter().any(|listed| listed == scope));
    if lists.iter().all(|list| list.is_empty()) {
        return Vec::new();
    }
    asked.split(' ').filter(|scope| !scope.is_empty() && !known(scope)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BACK: &str = "https://gw.example/oauth/upstream-callback";

    fn heard(status: u16, location: Option<&str>) -> AuthorizationHeard {
        let asked = Url::parse("https://as.example/authorize").unwrap();
        AuthorizationHeard::of(StatusCode::from_u16(status).unwrap(), location, &asked, BACK)
    }

    #[test]
    fn a_registration_endpoint_is_open_where_it_reads() {
        for (status, expected) in [
            (400, RegistrationHeard::Open),
            (422, RegistrationHeard::Open),
            (201, RegistrationHeard::TookAnything),
            (302, RegistrationHeard::Closed),
            (401, RegistrationHeard::Closed),
            (403, RegistrationHeard::Closed),
            (404, RegistrationHeard::Closed),
            (429, RegistrationHeard::Unknown),
            (500, RegistrationHeard::Unknown),
        ] {
            assert_eq!(RegistrationHeard::of(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }

    #[test]
    fn an_authorization_endpoint_refuses_by_a_page_or_by_sending_back() {
        let back = |query: &str| format!("{BACK}?{query}");
        assert_eq!(heard(200, None), AuthorizationHeard::GoesOn);
        assert_eq!(heard(302, Some("/login?error=none")), AuthorizationHeard::GoesOn, "that is its own page");
        assert_eq!(heard(302, Some(&back("code=1&state=2"))), AuthorizationHeard::GoesOn);
        assert_eq!(heard(302, Some(&back("error=login_required"))), AuthorizationHeard::GoesOn);
        assert_eq!(heard(302, Some(&back("error=invalid_scope"))), AuthorizationHeard::ScopeRefused);
        let refused = |what: &str| AuthorizationHeard::Refused(what.to_owned());
        assert_eq!(heard(303, Some(&back("error=unauthorized_client"))), refused("unauthorized_client"));
        assert_eq!(heard(400, None), refused("400"));
        assert_eq!(heard(404, None), refused("404"));
        for status in [401, 403, 429, 500, 503] {
            assert_eq!(heard(status, None), AuthorizationHeard::Unknown, "{status}");
        }
        assert_eq!(heard(302, None), AuthorizationHeard::Unknown);
    }

    #[test]
    fn a_scope_is_missed_where_there_is_a_list() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (one, other, none) = (list(&["read"]), list(&["write"]), list(&[]));
        assert_eq!(unlisted("read write", &[&one, &other]), none);
        assert_eq!(unlisted("read  admin", &[&one, &none]), ["admin"]);
        assert_eq!(unlisted("admin", &[&none, &none]), none);
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_harm(status in 100..=999_u16, location in "\\PC{0,40}") {
            let _ = heard(status, Some(&location));
        }
    }
}
