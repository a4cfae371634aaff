//! How clients become known: by registering, by a document at their URL, or beforehand.
//!
//! Not here: registration itself, and what a redirect URI may be (`oauth::client::redirect`).

use url::Url;

use super::client_keys;
use super::document::{ClientsDocument, PreregisteredDocument};
use super::machine;
use super::machine::Offered;
use super::report::{Complaint, Pointer, Report, shown};
use super::secret_name::SecretName;
use super::text;
use crate::oauth::authentication_method::AuthenticationMethod;
use crate::oauth::client::keys::ClientKeys;
use crate::oauth::client::redirect;
use crate::oauth::client::redirect::RedirectUri;
use crate::oauth::machine::Machine;

const LONGEST_URI: usize = 2048;

/// Which clients the gateway deals with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clients {
    /// Whether clients may register themselves (RFC 7591).
    pub dynamic_registration: bool,
    /// Whether a client may be the URL of its metadata document.
    pub metadata_documents: bool,
    /// Patterns with `*` that redirect URIs of such clients must match; empty for any https or loopback URI.
    pub redirect_patterns: Vec<String>,
    /// Clients known beforehand, each id once.
    pub preregistered: Vec<Preregistered>,
}

/// A client the operator made known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preregistered {
    /// Its id.
    pub client_id: String,
    /// The name people see.
    pub name: String,
    /// Its secret; none for a public client.
    pub client_secret: Option<SecretName>,
    /// Its public keys, in place of a secret.
    pub keys: Option<ClientKeys>,
    /// Where it may be redirected to, exactly; none for a machine.
    pub redirect_uris: Vec<String>,
    /// How it must authenticate; `None` where either way of sending the secret will do.
    pub token_endpoint_auth_method: Option<AuthenticationMethod>,
    /// What it may have without a person; such a client acts for none.
    pub machine: Option<Machine>,
    /// The slugs of the servers whose tokens it may ask about.
    pub introspects: Vec<String>,
    /// Whether its access tokens are bound to a key.
    pub dpop_bound: bool,
}

pub(super) fn prove(document: ClientsDocument, offered: Offered<'_>, at: &Pointer, report: &mut Report) -> Clients {
    let patterns = report.entries(&at.child("redirect_patterns"), document.redirect_patterns);
    let patterns = patterns.into_iter().filter_map(|(at, text)| {
        let pattern = report.check(&at, redirect_pattern(text))?;
        let rule = safe_pattern(&pattern);
        report.check_new(&at, pattern, rule)
    });
    let redirect_patterns = patterns.collect();
    let mut preregistered: Vec<Preregistered> = Vec::new();
    for (at, client) in report.entries(&at.child("preregistered"), document.preregistered) {
        let Some(client) = prove_client(client, offered, &at, report) else { continue };
        if preregistered.iter().any(|other| other.client_id == client.client_id) {
            let problem = format!("is {}, as in a client before", shown(&client.client_id));
            report.add(&at.child("client_id"), problem, "write another id, or merge the two clients");
        }
        preregistered.push(client);
    }
    Clients {
        dynamic_registration: document.dynamic_registration,
        metadata_documents: document.metadata_documents,
        redirect_patterns,
        preregistered,
    }
}

fn prove_client(
    document: PreregisteredDocument,
    offered: Offered<'_>,
    at: &Pointer,
    report: &mut Report,
) -> Option<Preregistered> {
    let place = at.child("client_id");
    let client_id = report.require(&place, document.client_id, "write the id the client is configured with");
    let client_id = client_id.and_then(|id| report.check(&place, own_client_id(id)));

    let place = at.child("redirect_uris");
    let uris = match (&document.machine, document.redirect_uris) {
        (None, None) if document.introspects.is_some() => None,
        (None, uris) => report.require(&place, uris, "write the list of the client's redirect URIs"),
        (Some(_), Some(_)) => {
            let problem = "is there, and the client is a machine, which acts for no person";
            report.add(&place, problem, "remove it, or set up a client of its own for people");
            None
        }
        (Some(_), None) => None,
    };
    if uris.as_ref().is_some_and(Vec::is_empty) {
        report.add(&place, "is empty, so the client could never finish", "write at least one redirect URI");
    }
    let uris = report.entries(&place, uris.unwrap_or_default());
    let uris = uris.into_iter().filter_map(|(at, uri)| {
        let uri = report.check(&at, redirect_uri(uri))?;
        let rule = safe_uri(&uri);
        report.check_new(&at, uri, rule)
    });
    let redirect_uris = uris.collect();

    let method = document.token_endpoint_auth_method;
    let has_keys = document.jwks.is_some() || document.jwks_uri.is_some();
    let has_secret = document.client_secret.is_some();
    if has_keys {
        agree_on_keys(has_secret, method, at, report);
    } else {
        agree_on_method(has_secret, method, at, report);
    }
    let keys = client_keys::prove(document.jwks, document.jwks_uri, at, report);
    let machine = document.machine.map(|machine| machine::prove(machine, offered, &at.child("machine"), report));
    let introspects = document.introspects.map(|slugs| offered.servers(slugs, &at.child("introspects"), report));
    if (machine.is_some() || introspects.is_some()) && !has_secret && !has_keys {
        let fix = "write {\"secret\": \"NAME\"}, or the client's jwks or jwks_uri: such a client proves who it is";
        report.require::<()>(&at.child("client_secret"), None, fix);
    }
    let secret = document.client_secret;
    let client_secret = secret.and_then(|secret| SecretName::prove(secret, &at.child("client_secret"), report));
    let name = document.name.and_then(|name| report.check(&at.child("name"), text::label(name, 80)));
    let client_id = client_id?;
    Some(Preregistered {
        name: name.unwrap_or_else(|| client_id.clone()),
        client_id,
        client_secret,
        keys,
        redirect_uris,
        token_endpoint_auth_method: method,
        machine,
        introspects: introspects.unwrap_or_default(),
        dpop_bound: document.dpop_bound_access_tokens,
    })
}

/// A secret and a way to send one come together.
pub(super) fn agree_on_method(
    has_secret: bool,
    method: Option<AuthenticationMethod>,
    at: &Pointer,
    report: &mut Report,
) {
    match method {
        Some(AuthenticationMethod::None) if has_secret => report.add(
            &at.child("token_endpoint_auth_method"),
            "is \"none\", and the client has a secret",
            "write \"client_secret_basic\" or \"client_secret_post\", or remove client_secret",
        ),
        Some(AuthenticationMethod::ClientSecretBasic | AuthenticationMethod::ClientSecretPost) if !has_secret => {
            let fix = "write {\"secret\": \"NAME\"}, or \"none\" for token_endpoint_auth_method";
            report.require::<()>(&at.child("client_secret"), None, fix);
        }
        Some(AuthenticationMethod::PrivateKeyJwt) => report.add(
            &at.child("token_endpoint_auth_method"),
            "is \"private_key_jwt\", which is for clients of this gateway that have jwks or jwks_uri",
            "write \"client_secret_basic\" or \"client_secret_post\", or the client's keys",
        ),
        _ => {}
    }
}

/// A client with keys signs, and does nothing else.
fn agree_on_keys(has_secret: bool, method: Option<AuthenticationMethod>, at: &Pointer, report: &mut Report) {
    if has_secret {
        report.add(&at.child("client_secret"), "is there, and the client has keys", "remove it, or the keys");
    }
    if method.is_some_and(|method| method != AuthenticationMethod::PrivateKeyJwt) {
        let place = at.child("token_endpoint_auth_method");
        report.add(&place, "is for a secret or for none, and the client has keys", "write \"private_key_jwt\"");
    }
}

/// An id that cannot be taken for one of another origin: a metadata document's URL, or one given out by registration.
fn own_client_id(text: String) -> Result<String, Complaint> {
    let id = text::client_id(text)?;
    if id.contains("://") || id.starts_with("mcpg_") {
        let problem = format!("is {}, which looks like the id of a client that was not preregistered", shown(&id));
        return Err(Complaint::new(problem, "write an id without :// that does not begin with mcpg_"));
    }
    Ok(id)
}

fn redirect_uri(text: String) -> Result<String, Complaint> {
    let wrong = |what: &str, fix: &str| Complaint::new(format!("is {}, {what}", shown(&text)), fix);
    let fix = "write the URI in full, such as \"https://app.example.com/callback\"";
    let url = Url::parse(&text).map_err(|_| wrong("which is not an absolute URL", fix))?;
    if text.len() > LONGEST_URI || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong("which is too long or has characters no URI has", fix));
    }
    if url.fragment().is_some() {
        return Err(wrong("which has a fragment", "remove the # and what follows it")); // RFC 6749 §3.1.2
    }
    Ok(text)
}

/// Where codes may be sent at all, the operator's clients included.
fn safe_uri(text: &str) -> Result<(), Complaint> {
    RedirectUri::named(text).map(drop).map_err(|rule| {
        let problem = format!("is {}, where no code may be sent: {rule}", shown(text));
        Complaint::new(problem, "write an https URI, http on localhost, or the app's own scheme")
    })
}

fn safe_pattern(text: &str) -> Result<(), Complaint> {
    if !redirect::is_dangerous(text.split(':').next().unwrap_or_default()) {
        return Ok(());
    }
    let problem = format!("is {}, whose scheme no redirect URI may have", shown(text));
    Err(Complaint::new(problem, "write a pattern that begins with https://, http:// or the app's own scheme"))
}

fn redirect_pattern(text: String) -> Result<String, Complaint> {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let fits = text.len() <= LONGEST_URI && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if scheme.is_empty() || !scheme.bytes().all(legal) || !fits {
        let problem = format!("is {}, which is not a pattern of redirect URIs", shown(&text));
        return Err(Complaint::new(
            problem,
            "write scheme and host, * for what may vary: \"https://app.example.com/*\"",
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::config::Config;
    use crate::config::tests::{complete, errors, refused, refused_at};

    #[test]
    fn a_preregistered_client_agrees_with_itself() {
        let at = "/clients/preregistered/0";
        refused(&format!("{at}/client_secret"), json!(null), &["is missing", "none"]);
        refused(&format!("{at}/token_endpoint_auth_method"), json!("none"), &["has a secret"]);
        refused(&format!("{at}/token_endpoint_auth_method"), json!("private_key_jwt"), &["client_secret_basic"]);
        refused(&format!("{at}/redirect_uris"), json!([]), &["is empty"]);
        for uri in ["/callback", "app.example.com", "https://app.example.com/#x", "https://app.example.com/a b"] {
            refused(&format!("{at}/redirect_uris/0"), json!(uri), &["is \""]);
        }
        for (uri, rule) in [
            ("javascript:alert(1)", "scheme"),
            ("JavaScript://app.example.com/%0aalert(1)", "scheme"),
            ("data:text/html,x", "scheme"),
            ("vbscript:x", "scheme"),
            ("file:///etc/passwd", "scheme"),
            ("blob:https://app.example.com/x", "scheme"),
            ("http://app.example.com/cb", "plain http"),
            ("https://me@app.example.com/cb", "user name"),
            ("https://app.example.com/cb?code=1", "code"),
        ] {
            refused(&format!("{at}/redirect_uris/0"), json!(uri), &["no code may be sent", rule]);
        }
        for id in ["https://app.example.com/client.json", "mcpg_client_x", "", "a b"] {
            refused(&format!("{at}/client_id"), json!(id), &["id"]);
        }
        let client = json!({"client_id": "glean", "redirect_uris": ["cursor://anysphere.cursor-mcp/oauth/callback"]});
        refused_at(&format!("{at}/client_id"), &format!("{at}/client_id"), json!(7), &["is 7"]);
        let errors = errors("/clients/preregistered", json!([client, client]));
        assert_eq!(errors.0[0].pointer, "/clients/preregistered/1/client_id", "{errors}");
        for pattern in ["*", "*://x", "app.example.com/*", "https://app.example.com/ *", "//x"] {
            refused("/clients/redirect_patterns/0", json!(pattern), &["pattern"]);
        }
        for pattern in ["javascript://*", "data://*/*", "FILE:///*"] {
            refused("/clients/redirect_patterns/0", json!(pattern), &["scheme"]);
        }
    }

    #[test]
    fn who_asks_about_tokens_serves_a_server_and_proves_itself() {
        let at = "/clients/preregistered/0";
        let secret = json!({"secret": "RS_SECRET"});
        let client = json!({"client_id": "rs", "client_secret": secret, "introspects": ["docs"]});
        let mut document = complete();
        document["clients"]["preregistered"][0] = client.clone();
        let config = Config::parse(&document.to_string()).unwrap();
        assert_eq!((config.introspects("rs"), config.introspects("app").len()), (&["docs".to_owned()][..], 0));
        let with = |name: &str, value: serde_json::Value| {
            let mut client = client.clone();
            client[name] = value;
            client
        };
        refused_at(&format!("{at}/client_secret"), at, with("client_secret", json!(null)), &["is missing"]);
        refused_at(&format!("{at}/introspects"), at, with("introspects", json!([])), &["is empty"]);
        refused_at(
            &format!("{at}/introspects/0"),
            at,
            with("introspects", json!(["dosc"])),
            &["no such server", "docs"],
        );
    }

    #[test]
    fn a_stored_configuration_stays_in_effect_although_a_redirect_uri_of_it_is_refused_today() {
        let mut stored = complete();
        stored["clients"]["redirect_patterns"] = json!(["javascript://*"]);
        stored["clients"]["preregistered"][0]["redirect_uris"] = json!(["javascript:alert(1)"]);
        assert!(Config::parse(&stored.to_string()).is_err());
        assert!(Config::parse_stored(&stored.to_string()).is_ok());
        stored["consent"] = json!("sometimes");
        assert!(Config::parse_stored(&stored.to_string()).is_err());
    }
}
