//! A sign-in page of the operator's own.
//!
//! Not here: what its server says of who signed in (`login::own_page`).

use url::Url;

use super::alias;
use super::document::SecretDocument;
use super::origin::web_url;
use super::report::{Complaint, Pointer, Report};
use super::secret_name::SecretName;

/// What a page adds to its address, and what a page's own query must not have.
const OURS: [&str; 2] = ["ticket", "prompt"];

/// Where people sign in, and who says that they did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnPage {
    /// Where the browser is sent.
    pub url: Url,
    /// What the page's server proves itself with.
    pub secret: SecretName,
    /// What the ids of its people begin with.
    pub alias: String,
}

pub(super) fn prove(
    url: Option<String>,
    secret: Option<SecretDocument>,
    alias: Option<String>,
    at: &Pointer,
    report: &mut Report,
) -> Option<OwnPage> {
    let place = at.child("url");
    let url = report.require(&place, url, "write where people sign in, such as \"https://app.example.com/sign-in\"");
    let url = url.and_then(|text| report.check(&place, web_url(&text)));
    if let Some((name, _)) = url.iter().flat_map(Url::query_pairs).find(|(name, _)| OURS.contains(&name.as_ref())) {
        report.add(&place, format!("has a parameter {name}, which the gateway adds"), "remove it from the address");
    }
    let place = at.child("secret");
    let secret = report.require(&place, secret, "name the secret, such as {\"secret\": \"LOGIN_PAGE_SECRET\"}");
    let secret = secret.and_then(|secret| SecretName::prove(secret, &place, report));
    let alias = report.check(&at.child("alias"), alias.map_or_else(|| Ok("page".to_owned()), own_alias));
    Some(OwnPage { url: url?, secret: secret?, alias: alias? })
}

fn own_alias(alias: String) -> Result<String, Complaint> {
    let alias = alias::prove(alias)?;
    alias::not_reserved_since(&alias).map(|()| alias)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::config::tests::{complete, refused_at};
    use crate::config::{Config, Login};

    fn login(more: &serde_json::Value) -> serde_json::Value {
        let mut login =
            json!({"kind": "page", "url": "https://app.example.com/sign-in?a=b", "secret": {"secret": "PAGE"}});
        login.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        login
    }

    #[test]
    fn a_page_has_an_address_a_secret_and_an_alias() {
        let read = |more| {
            let mut document = complete();
            document["login"] = login(&more);
            document["servers"] = json!({});
            let config = Config::parse(&document.to_string()).unwrap();
            assert!(config.secret_names().iter().any(|name| name.as_str() == "PAGE"));
            let Login::Page(page) = config.login else { panic!() };
            page
        };
        assert_eq!(read(json!({})).alias, "page");
        let page = read(json!({"alias": "app"}));
        assert_eq!((page.alias.as_str(), page.url.as_str()), ("app", "https://app.example.com/sign-in?a=b"));
    }

    #[test]
    fn what_nobody_could_sign_in_with_is_refused() {
        refused_at("/login/url", "/login", login(&json!({"url": "http://app.example.com/"})), &["plain http"]);
        refused_at(
            "/login/url",
            "/login",
            login(&json!({"url": "https://a.example/?ticket=1"})),
            &["parameter ticket"],
        );
        refused_at("/login/url", "/login", login(&json!({"url": null})), &["where people sign in"]);
        refused_at("/login/secret", "/login", login(&json!({"secret": null})), &["name the secret"]);
        for alias in ["dev", "keys", "agent", "App", "a:b", ""] {
            refused_at("/login/alias", "/login", login(&json!({"alias": alias})), &["alias"]);
        }
    }

    #[test]
    fn no_issuer_has_the_alias_of_the_page() {
        let mut document = complete();
        document["login"] = login(&json!({"alias": "corp"}));
        document["servers"] = json!({});
        document["issuers"] = json!({"corp": {"issuer": "https://corp.example"}});
        let errors = Config::parse(&document.to_string()).unwrap_err().to_string();
        assert!(errors.contains("how the ids of people who sign in begin"), "{errors}");
    }
}
