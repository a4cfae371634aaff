//! GitHub, which has OAuth and no `OpenID` Connect: who somebody is, its API says, as pairs of request and parse.
//!
//! What the API says is made into claims, so that roles and who may sign in are configured as with any other provider.
//!
//! Not here: sending anything (`flow::login::github`).

use http::{Request, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::{Identity, LoginError};
use crate::headers::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use crate::json::Node;
use crate::oauth_client::authorization::CodeRequest;
use crate::oauth_client::client_auth::GatewayClient;
use crate::oauth_client::error_response::OauthErrorBody;
use crate::oauth_client::token::{GrantRequest, Unsendable};
use crate::oauth_client::{client_auth, token};
use crate::secret::Secret;
use crate::untrusted::Sent;

/// What it can tell of a person.
pub const CLAIMS: [&str; 3] = ["login", "organizations", "teams"];

/// No answer is larger; `flow` reads no further.
pub const MAX_BYTES: usize = 1 << 20;

/// So many organizations and teams are asked for. GitHub gives out no more at once.
const MOST: usize = 100;

/// Where within GitHub its authorization server is.
const OAUTH: &str = "login/oauth";

/// How its API is spoken to.
const VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28"));

/// Whom GitHub's answers come from, where they say (RFC 9207).
pub fn issuer(url: &str) -> String {
    format!("{url}/{OAUTH}")
}

/// Where the browser is sent to sign in. GitHub cannot be told to ask for a password again; to choose an account is as
/// far as it goes.
pub fn authorization_url(
    url: &str,
    client_id: &str,
    redirect_uri: &str,
    memberships: bool,
    state: &Secret,
    challenge: &str,
    chooses: bool,
) -> Result<Url, LoginError> {
    let endpoint = Url::parse(&format!("{}/authorize", issuer(url))).map_err(|_| LoginError::UnfitUrl("url"))?;
    let scope = if memberships { "read:user user:email read:org" } else { "read:user user:email" };
    let request = CodeRequest::new(&endpoint, client_id, redirect_uri)
        .with("scope", scope)
        .with("state", state.expose())
        .challenged(challenge);
    Ok(if chooses { request.with("prompt", "select_account") } else { request }.url())
}

/// Redeems the code.
pub fn token_request(
    url: &str,
    client_id: &str,
    secret: &Secret,
    code: &Secret,
    verifier: &Secret,
    redirect_uri: &str,
) -> Result<Request<Vec<u8>>, LoginError> {
    let method = client_auth::choose_method_for_secret(Some(&["client_secret_post".to_owned()]));
    let client = GatewayClient::new(client_id, Some(secret.clone()), method);
    let grant = GrantRequest::Code { code, verifier, redirect_uri };
    token::request(&format!("{}/access_token", issuer(url)), &client, &grant, None)
        .map_err(|Unsendable| LoginError::UnfitUrl("url"))
}

/// Reads the token response. GitHub refuses with status 200 and an `error`.
pub fn token_response(status: StatusCode, bytes: &[u8], sent: &Sent) -> Result<Secret, LoginError> {
    let bytes = Some(bytes).filter(|bytes| bytes.len() <= MAX_BYTES).ok_or(LoginError::TokenMalformed)?;
    let error = OauthErrorBody::read(bytes).shown_code(sent);
    if status != StatusCode::OK || error.is_some() {
        return Err(LoginError::TokenRefused { status: status.as_u16(), error });
    }
    let answer = Node::parse(bytes).map_err(|_| LoginError::TokenMalformed)?;
    match answer.get("access_token") {
        Some(Node::Text(token)) if !token.is_empty() => Ok(Secret::new(token.as_ref())),
        _ => Err(LoginError::AccessTokenMissing),
    }
}

/// Something that the API is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GithubQuestion {
    /// Who it is.
    User,
    /// At which addresses.
    Emails,
    /// In which organizations.
    Organizations,
    /// In which teams.
    Teams,
}

impl GithubQuestion {
    /// Where it is asked. An Enterprise Server has its API within itself.
    pub fn url(self, url: &str) -> Result<Url, LoginError> {
        let api =
            if url == "https://github.com" { "https://api.github.com".to_owned() } else { format!("{url}/api/v3") };
        let path = match self {
            Self::User => "/user".to_owned(),
            Self::Emails => format!("/user/emails?per_page={MOST}"),
            Self::Organizations => format!("/user/orgs?per_page={MOST}"),
            Self::Teams => format!("/user/teams?per_page={MOST}"),
        };
        Url::parse(&format!("{api}{path}")).map_err(|_| LoginError::UnfitUrl("url"))
    }

    const fn what(self) -> &'static str {
        match self {
            Self::User => "who you are",
            Self::Emails => "your addresses",
            Self::Organizations => "your organizations",
            Self::Teams => "your teams",
        }
    }
}

/// The headers to ask with. GitHub answers nobody who does not say who asks.
pub fn headers(access_token: &Secret) -> Result<HeaderMap, LoginError> {
    let bearer = HeaderValue::try_from(format!("Bearer {}", access_token.expose()));
    let mut bearer = bearer.map_err(|_| LoginError::TokenMalformed)?;
    bearer.set_sensitive(true);
    let accept = HeaderValue::from_static("application/vnd.github+json");
    let agent = HeaderValue::from_static("mcp-edge-gateway");
    Ok(HeaderMap::from_iter([(ACCEPT, accept), (AUTHORIZATION, bearer), (USER_AGENT, agent), VERSION]))
}

/// Reads an answer.
pub fn answer(question: GithubQuestion, status: StatusCode, bytes: &[u8]) -> Result<Node<'_>, LoginError> {
    if status != StatusCode::OK {
        return Err(LoginError::GithubRefused { what: question.what(), status: status.as_u16() });
    }
    let malformed = LoginError::GithubMalformed { what: question.what() };
    let answer = Some(bytes).filter(|bytes| bytes.len() <= MAX_BYTES).and_then(|bytes| Node::parse(bytes).ok());
    let answer = answer.ok_or_else(|| malformed.clone())?;
    let fits = match question {
        GithubQuestion::User => matches!(answer, Node::Object(_)),
        _ => matches!(answer, Node::List(_)),
    };
    if fits { Ok(answer) } else { Err(malformed) }
}

/// Who it is: by the number that GitHub never gives to anybody else, as it does names. The address is the primary one,
/// where it is verified.
pub fn identity(url: &str, user: &Node<'_>, emails: &Node<'_>) -> Result<Identity, LoginError> {
    let malformed = || LoginError::GithubMalformed { what: GithubQuestion::User.what() };
    let Some(Node::Number(id)) = user.get("id") else { return Err(malformed()) };
    let id = id.as_u64().filter(|id| *id > 0).ok_or_else(malformed)?;
    let is = |node: &Node<'_>, name: &str| node.get(name) == Some(&Node::Bool(true));
    let Node::List(emails) = emails else { return Err(malformed()) };
    let primary = emails.iter().find(|email| is(email, "primary") && is(email, "verified"));
    let name = text(user, "name").or_else(|| text(user, "login"));
    Ok(Identity {
        subject: super::oidc::id_token::subject(url, &id.to_string()),
        name: name.and_then(super::oidc::id_token::shown),
        email: primary.and_then(|email| text(email, "email")).and_then(super::oidc::id_token::shown),
    })
}

/// What rules and `require` can ask for, as claims, and whether GitHub has more to say.
pub fn claims(user: &Node<'_>, organizations: Option<&Node<'_>>, teams: Option<&Node<'_>>) -> (Value, bool) {
    let entries = |list: Option<&Node<'_>>| match list {
        Some(Node::List(entries)) => entries.len(),
        _ => 0,
    };
    let each = |list: Option<&Node<'_>>, name: &dyn Fn(&Node<'_>) -> Option<String>| match list {
        Some(Node::List(entries)) => entries.iter().filter_map(name).collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    let team = |team: &Node<'_>| Some(format!("{}/{}", text(team.get("organization")?, "login")?, text(team, "slug")?));
    let claims = json!({
        "login": text(user, "login"),
        "organizations": each(organizations, &|organization| text(organization, "login")),
        "teams": each(teams, &team),
    });
    (claims, [organizations, teams].into_iter().any(|list| entries(list) >= MOST))
}

fn text(node: &Node<'_>, name: &str) -> Option<String> {
    match node.get(name) {
        Some(Node::Text(text)) if !text.is_empty() => Some(text.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMAILS: &str = r#"[
        {"email":"old@example.com","primary":false,"verified":true},
        {"email":"mona@example.com","primary":true,"verified":true}
    ]"#;

    fn who(user: &str, emails: &str) -> Result<Identity, LoginError> {
        let user = answer(GithubQuestion::User, StatusCode::OK, user.as_bytes())?;
        let emails = answer(GithubQuestion::Emails, StatusCode::OK, emails.as_bytes())?;
        identity("https://github.com", &user, &emails)
    }

    #[test]
    fn a_person_is_a_number() {
        let mona =
            who(r#"{"id":583231,"login":"octocat","name":"Mona","email":"public@example.com"}"#, EMAILS).unwrap();
        assert_eq!(mona.subject, "github.com|583231");
        assert_eq!((mona.name.as_deref(), mona.email.as_deref()), (Some("Mona"), Some("mona@example.com")));
        let nameless = who(r#"{"id":1,"login":"octocat","name":null}"#, "[]").unwrap();
        assert_eq!((nameless.name.as_deref(), nameless.email), (Some("octocat"), None));
        for user in [
            r#"{"login":"octocat"}"#,
            r#"{"id":"583231"}"#,
            r#"{"id":0}"#,
            r#"{"id":-1}"#,
            r#"{"id":1.5}"#,
            r#"{"id":1,"id":2}"#,
        ] {
            assert!(who(user, EMAILS).is_err(), "{user}");
        }
    }

    #[test]
    fn an_address_that_is_not_verified_or_not_the_primary_one_is_none() {
        for emails in [
            r#"[{"email":"a@example.com","primary":true,"verified":false}]"#,
            r#"[{"email":"a@example.com","primary":false,"verified":true}]"#,
            r#"[{"email":"a@example.com","primary":"true","verified":true}]"#,
        ] {
            assert_eq!(who(r#"{"id":1}"#, emails).unwrap().email, None, "{emails}");
        }
    }

    #[test]
    fn memberships_are_claims() {
        let user = Node::parse(br#"{"id":1,"login":"octocat"}"#).unwrap();
        let organizations = Node::parse(br#"[{"login":"acme"},{"no":"name"}]"#).unwrap();
        let teams = Node::parse(br#"[{"slug":"ops","organization":{"login":"acme"}},{"slug":"lost"}]"#).unwrap();
        let (told, incomplete) = claims(&user, Some(&organizations), Some(&teams));
        assert_eq!(told, json!({"login": "octocat", "organizations": ["acme"], "teams": ["acme/ops"]}));
        assert!(!incomplete);
        let many = format!("[{}]", vec![r#"{"login":"a"}"#; MOST].join(","));
        assert!(claims(&user, Some(&Node::parse(many.as_bytes()).unwrap()), None).1);
    }

    #[test]
    fn a_refusal_comes_with_status_200() {
        let read = |status, text: &str| {
            token_response(status, text.as_bytes(), &Sent::default()).map(|token| token.expose().to_owned())
        };
        assert_eq!(
            read(StatusCode::OK, r#"{"access_token":"gho_1","scope":"read:user","token_type":"bearer"}"#),
            Ok("gho_1".into())
        );
        let refused = read(StatusCode::OK, r#"{"error":"bad_verification_code","error_description":"x"}"#);
        assert_eq!(refused, Err(LoginError::TokenRefused { status: 200, error: Some("bad_verification_code".into()) }));
        assert_eq!(read(StatusCode::OK, "{}"), Err(LoginError::AccessTokenMissing));
        assert!(read(StatusCode::NOT_FOUND, "").is_err());
    }

    #[test]
    fn the_api_of_an_enterprise_server_is_within_it() {
        let at = |url| GithubQuestion::User.url(url).unwrap().to_string();
        assert_eq!(at("https://github.com"), "https://api.github.com/user");
        assert_eq!(at("https://github.example.com"), "https://github.example.com/api/v3/user");
        assert!(!format!("{:?}", headers(&Secret::new("gho_1")).unwrap()).contains("gho_1"));
    }

    #[test]
    fn no_more_is_asked_for_than_is_needed() {
        let asked = |memberships, chooses| {
            let (state, url) = (Secret::new("s"), "https://github.com");
            let back = "https://gw.example.com/login/callback";
            authorization_url(url, "c", back, memberships, &state, "ch", chooses).unwrap().to_string()
        };
        assert!(
            asked(false, false)
                .contains("scope=read%3Auser+user%3Aemail&state=s&code_challenge=ch&code_challenge_method=S256")
        );
        assert!(asked(true, true).contains("read%3Aorg") && asked(true, true).ends_with("&prompt=select_account"));
    }
}
