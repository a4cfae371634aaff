//! Who people are: the one identity provider of this gateway. Auth0 is an `OpenID` provider whose issuer follows from
//! its domain.
//!
//! Not here: signing anyone in (`crate::login`).

use std::collections::BTreeMap;

use crate::time::Lifetime;

use super::dev_accounts::DevAccount;
use super::document::{BackchannelLogout, LoginDocument, RECHECK, RolesDocument, SESSION_TTL, SecretDocument};
use super::origin::{Origin, is_host};
use super::own_page::OwnPage;
use super::report::{Complaint, Pointer, Report, shown};
use super::secret_name::SecretName;
use super::{admission, dev_accounts, origin, own_page, parameters, roles, text};
use crate::login::github::CLAIMS;
use crate::policy::{ClaimName, RoleMapping};

/// How people sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// By choosing an account: development only.
    Dev {
        /// The accounts to choose from; at least one.
        accounts: Vec<DevAccount>,
    },
    /// At an `OpenID` provider.
    Oidc(Oidc),
    /// At GitHub.
    Github(Github),
    /// At a page of the operator's own.
    Page(OwnPage),
}

/// The gateway as a client of an `OpenID` provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oidc {
    /// The issuer, verbatim: discovery compares it exactly, trailing slash included.
    pub issuer: String,
    /// The gateway's client id there.
    pub client_id: String,
    /// The gateway's client secret there; none for a public client.
    pub client_secret: Option<SecretName>,
    /// The scopes to ask for; `openid` among them.
    pub scopes: Vec<String>,
    /// Where people's roles come from; without it nobody has any.
    pub roles: Option<RoleMapping>,
    /// What the provider wants to be asked beside the protocol's own, by name.
    pub parameters: BTreeMap<String, String>,
    /// Who may sign in: the values of each claim of which one is needed.
    pub require: BTreeMap<ClaimName, Vec<String>>,
    /// What ends when the provider says that somebody signed out.
    pub backchannel_logout: BackchannelLogout,
    /// After how long the provider is asked again about somebody, where it can be.
    pub recheck: Option<Lifetime>,
}

/// The gateway as an OAuth app of GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Github {
    /// Where GitHub is, without a slash at the end.
    pub url: String,
    /// The gateway's client id there.
    pub client_id: String,
    /// The gateway's client secret there.
    pub client_secret: SecretName,
    /// Where people's roles come from; without it nobody has any.
    pub roles: Option<RoleMapping>,
    /// What it is asked beside the protocol's own, by name.
    pub parameters: BTreeMap<String, String>,
    /// Who may sign in: the values of each claim of which one is needed.
    pub require: BTreeMap<ClaimName, Vec<String>>,
}

/// Proves the login and how long a browser stays signed in.
pub(super) fn prove(
    document: LoginDocument,
    public_url: Option<&Origin>,
    at: &Pointer,
    report: &mut Report,
) -> Option<(Login, Lifetime)> {
    let (login, session_ttl_seconds) = match document {
        LoginDocument::Dev { accounts, session_ttl_seconds } => {
            if let Some(origin) = public_url.filter(|origin| !origin.is_loopback()) {
                report.add(
                    &at.child("kind"),
                    format!("is \"dev\", and anyone who reaches {} could sign in as anyone", origin.as_str()),
                    "write \"oidc\" or another kind, or make public_url a loopback origin such as \
                     \"http://localhost:8787\"",
                );
            }
            let accounts = dev_accounts::prove(accounts, &at.child("accounts"), report);
            (Some(Login::Dev { accounts }), session_ttl_seconds)
        }
        LoginDocument::Oidc {
            issuer,
            client_id,
            client_secret,
            scopes,
            roles,
            parameters,
            require,
            backchannel_logout,
            recheck_seconds,
            session_ttl_seconds,
        } => {
            let asked = AskedDocument { roles, parameters, require };
            let client =
                ClientDocument { client_id, client_secret, scopes, asked, backchannel_logout, recheck_seconds };
            let place = at.child("issuer");
            let issuer =
                report.require(&place, issuer, "write the provider's issuer, such as \"https://id.example.com\"");
            let issuer = issuer.and_then(|text| report.check(&place, origin::issuer(text)));
            (oidc(issuer, client, at, report), session_ttl_seconds)
        }
        LoginDocument::Auth0 {
            auth0_domain,
            client_id,
            client_secret,
            scopes,
            roles,
            parameters,
            require,
            backchannel_logout,
            recheck_seconds,
            session_ttl_seconds,
        } => {
            let asked = AskedDocument { roles, parameters, require };
            let client =
                ClientDocument { client_id, client_secret, scopes, asked, backchannel_logout, recheck_seconds };
            let place = at.child("auth0_domain");
            let domain =
                report.require(&place, auth0_domain, "write the tenant's host, such as \"my-tenant.us.auth0.com\"");
            let issuer = domain.and_then(|text| report.check(&place, auth0_issuer(&text)));
            (oidc(issuer, client, at, report), session_ttl_seconds)
        }
        LoginDocument::Github { url, client_id, client_secret, roles, parameters, require, session_ttl_seconds } => {
            let asked = AskedDocument { roles, parameters, require };
            (github(url, client_id, client_secret, asked, at, report), session_ttl_seconds)
        }
        LoginDocument::Page { url, secret, alias, session_ttl_seconds } => {
            (own_page::prove(url, secret, alias, at, report).map(Login::Page), session_ttl_seconds)
        }
    };
    let session_ttl = text::seconds(&at.child("session_ttl_seconds"), session_ttl_seconds, &SESSION_TTL, report);
    Some((login?, session_ttl?))
}

/// What is written of the gateway as a client, whichever way its provider is named.
struct ClientDocument {
    client_id: Option<String>,
    client_secret: Option<SecretDocument>,
    scopes: Option<Vec<Option<String>>>,
    asked: AskedDocument,
    backchannel_logout: BackchannelLogout,
    recheck_seconds: Option<u64>,
}

/// What the provider is asked, and what has to come of it.
struct AskedDocument {
    roles: Option<RolesDocument>,
    parameters: BTreeMap<String, Option<String>>,
    require: BTreeMap<String, Option<Vec<Option<String>>>>,
}

/// The same, proven.
struct Asked {
    roles: Option<RoleMapping>,
    parameters: BTreeMap<String, String>,
    require: BTreeMap<ClaimName, Vec<String>>,
}

impl AskedDocument {
    fn prove(self, at: &Pointer, report: &mut Report) -> Option<Asked> {
        let roles = self.roles.map(|roles| roles::prove_mapping(roles, &at.child("roles"), report));
        let parameters = parameters::prove(self.parameters, &at.child("parameters"), report);
        let require = admission::prove(self.require, &at.child("require"), report);
        let roles = match roles {
            Some(roles) => Some(roles?),
            None => None,
        };
        Some(Asked { roles, parameters, require })
    }
}

fn oidc(issuer: Option<String>, client: ClientDocument, at: &Pointer, report: &mut Report) -> Option<Login> {
    let ClientDocument { client_id, client_secret, scopes, asked, backchannel_logout, recheck_seconds } = client;
    let place = at.child("client_id");
    let client_id = report.require(&place, client_id, "write the id the provider gave to this gateway");
    let client_id = client_id.and_then(|id| report.check(&place, text::client_id(id)));
    let client_secret = client_secret.and_then(|secret| SecretName::prove(secret, &at.child("client_secret"), report));
    let scopes = match scopes {
        Some(list) => oidc_scopes(list, &at.child("scopes"), report),
        None => ["openid", "profile", "email"].map(str::to_owned).to_vec(),
    };
    let place = at.child("recheck_seconds");
    let recheck = recheck_seconds.and_then(|seconds| text::seconds(&place, seconds, &RECHECK, report));
    let Asked { roles, parameters, require } = asked.prove(at, report)?;
    if let Some(issuer) = &issuer {
        report.check(&at.child("require"), admission::names_tenants(issuer, &require));
    }
    let (issuer, client_id) = (issuer?, client_id?);
    Some(Login::Oidc(Oidc {
        issuer,
        client_id,
        client_secret,
        scopes,
        roles,
        parameters,
        require,
        backchannel_logout,
        recheck,
    }))
}

fn github(
    url: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretDocument>,
    asked: AskedDocument,
    at: &Pointer,
    report: &mut Report,
) -> Option<Login> {
    let url = match url {
        Some(url) => report.check(&at.child("url"), origin::issuer(url)),
        None => Some("https://github.com".to_owned()),
    };
    let place = at.child("client_id");
    let client_id = report.require(&place, client_id, "write the id of the OAuth app");
    let client_id = client_id.and_then(|id| report.check(&place, text::client_id(id)));
    let place = at.child("client_secret");
    let client_secret =
        report.require(&place, client_secret, "name the secret, such as {\"secret\": \"GITHUB_SECRET\"}");
    let client_secret = client_secret.and_then(|secret| SecretName::prove(secret, &place, report));
    let Asked { roles, parameters, require } = asked.prove(at, report)?;
    let told = roles.iter().map(|roles| &roles.claim).chain(require.keys());
    for claim in told.filter(|claim| !CLAIMS.contains(&claim.as_str())) {
        report.add(at, format!("asks for {claim}, which GitHub does not tell"), "write organizations, teams or login");
    }
    let url = url?.trim_end_matches('/').to_owned();
    let (client_id, client_secret) = (client_id?, client_secret?);
    Some(Login::Github(Github { url, client_id, client_secret, roles, parameters, require }))
}

fn auth0_issuer(text: &str) -> Result<String, Complaint> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?', '#', '\\']).next().unwrap_or_default().trim().to_ascii_lowercase();
    let fits = is_host(&host) && host.contains('.') && !host.starts_with('[');
    if fits && text.to_ascii_lowercase() == host {
        return Ok(format!("https://{host}/"));
    }
    let host = if fits { host.as_str() } else { "my-tenant.us.auth0.com" };
    let problem = format!("auth0_domain is {}, which is not a bare host name", shown(text));
    Err(Complaint::new(problem, format!("write the host alone, without scheme, path and port: {host:?}")))
}

fn oidc_scopes(list: Vec<Option<String>>, at: &Pointer, report: &mut Report) -> Vec<String> {
    let complete = list.iter().all(Option::is_some);
    let mut scopes = Vec::new();
    for (at, scope) in report.entries(at, list) {
        if !text::is_scope_token(&scope) || scope.len() > 256 {
            report.add(
                &at,
                format!("is {}, which is not one scope", shown(&scope)),
                "write each scope as an entry of its own",
            );
        }
        scopes.push(scope);
    }
    if complete && !scopes.iter().any(|scope| scope == "openid") {
        report.add(at, "lacks \"openid\", so the provider would not say who signed in", "add \"openid\"");
    }
    scopes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Config;
    use crate::config::tests::{complete, pointers_of, refused, refused_at};

    #[test]
    fn auth0_takes_a_bare_host_name() {
        let login = |domain: &str| json!({"kind": "auth0", "auth0_domain": domain, "client_id": "c"});
        for domain in [
            "https://my-tenant.us.auth0.com/",
            "https://my-tenant.us.auth0.com",
            "my-tenant.us.auth0.com/",
            "my-tenant.us.auth0.com/authorize",
            "my-tenant.us.auth0.com:443",
            "my-tenant.us.auth0.com?x",
            "MY-TENANT.us.auth0.com ",
        ] {
            let words =
                ["auth0_domain is", domain.split('?').next().unwrap(), "host alone", "\"my-tenant.us.auth0.com\""];
            refused_at("/login/auth0_domain", "/login", login(domain), &words);
        }
        for domain in ["", "localhost", "*.auth0.com", "[::1]", "a..b", "me@my-tenant.us.auth0.com"] {
            refused_at("/login/auth0_domain", "/login", login(domain), &["auth0_domain is", "my-tenant.us.auth0.com"]);
        }
        let mut document = complete();
        document["login"] = login("My-Tenant.us.auth0.com");
        document["servers"] = json!({});
        let Login::Oidc(oidc) = Config::parse(&document.to_string()).unwrap().login else { panic!() };
        assert_eq!(oidc.issuer, "https://my-tenant.us.auth0.com/");
        assert_eq!(oidc.scopes, ["openid", "profile", "email"]);
    }

    #[test]
    fn the_issuer_is_kept_verbatim_and_is_not_its_discovery_document() {
        let document = json!("https://id.example.com/t/.well-known/openid-configuration");
        refused("/login/issuer", document, &["discovery document", "\"https://id.example.com/t\""]);
        refused("/login/issuer", json!("https://id.example.com?t=1"), &["query"]);
        refused("/login/issuer", json!("http://id.example.com"), &["plain http"]);
        refused("/login/scopes", json!(["email"]), &["openid"]);
        refused("/login/scopes/1", json!("profile email"), &["entry of its own"]);
        refused("/login/client_id", json!(" gateway"), &["client id"]);
    }

    #[test]
    fn the_development_login_stays_on_this_machine() {
        let mut document = complete();
        document["servers"] = json!({});
        document["login"] = json!({"kind": "dev"});
        let errors = Config::parse(&document.to_string()).unwrap_err();
        assert_eq!(pointers_of(&errors), ["/login/kind"], "{errors}");
        assert!(errors.to_string().contains("https://mcp.example.com could sign in as anyone"), "{errors}");
        document["login"] = json!({"kind": "dev", "accounts": [{"subject": "eve", "name": "Eve"}]});
        document["public_url"] = json!("http://localhost:8787");
        let Login::Dev { accounts } = Config::parse(&document.to_string()).unwrap().login else { panic!() };
        let eve = DevAccount { subject: "eve".to_owned(), name: Some("Eve".to_owned()), email: None, roles: vec![] };
        assert_eq!(accounts, [eve]);
        for (at, accounts) in [
            ("/login/accounts", json!([])),
            ("/login/accounts/0/subject", json!([{"name": "Eve"}])),
            ("/login/accounts/0/subject", json!([{"subject": "dev:eve"}])),
            ("/login/accounts/1/subject", json!([{"subject": "eve"}, {"subject": "eve"}])),
            ("/login/accounts/0/name", json!([{"subject": "eve", "name": " "}])),
        ] {
            document["login"]["accounts"] = accounts;
            let errors = Config::parse(&document.to_string()).unwrap_err();
            assert_eq!(pointers_of(&errors), [at], "{errors}");
        }
    }
}
