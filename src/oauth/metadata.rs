//! What the gateway says about itself: RFC 9728 for each server, RFC 8414 and `OpenID` Connect Discovery for the
//! issuer.
//!
//! Members without a value are left out, because clients refuse `null`. Not here: where the documents are served.

use serde::Serialize;

use super::authentication_method::AuthenticationMethod;
use super::authorize::prompt::Prompt;
use super::client::Authentication;
use super::external::assertion::GRANT_TYPE;
use super::scope::ScopeSet;
use crate::jose::algorithm::Algorithm;
use crate::time::Lifetime;

/// One server as a protected resource.
#[derive(Debug, Clone, Copy)]
pub struct ProtectedResource<'a> {
    /// The canonical resource URL; the one in the challenge's URL and in `aud`.
    pub resource: &'a str,
    /// The identifiers of the issuers whose access tokens it takes.
    pub issuers: &'a [&'a str],
    /// What calls may need; what every call needs is written first. `offline_access` is never among them (MCP
    /// authorization, "Refresh Tokens").
    pub scopes: &'a ScopeSet,
    /// The server's name for people.
    pub name: &'a str,
    /// Whether it takes no access token that is not bound to a key.
    pub requires_dpop: bool,
}

impl ProtectedResource<'_> {
    /// The document of RFC 9728 §2.
    pub fn to_json(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Document<'a> {
            resource: &'a str,
            authorization_servers: &'a [&'a str],
            scopes_supported: Vec<&'a str>,
            bearer_methods_supported: [&'static str; 1],
            resource_name: &'a str,
            dpop_signing_alg_values_supported: [&'static str; 9],
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            dpop_bound_access_tokens_required: bool,
        }
        let mut scopes: Vec<_> = self.scopes.iter().filter(|scope| *scope != ScopeSet::OFFLINE_ACCESS).collect();
        scopes.sort_by_key(|scope| *scope != ScopeSet::TOOLS);
        json(&Document {
            resource: self.resource,
            authorization_servers: self.issuers,
            scopes_supported: scopes,
            bearer_methods_supported: ["header"],
            resource_name: self.name,
            dpop_signing_alg_values_supported: Algorithm::ALL.map(Algorithm::as_str),
            dpop_bound_access_tokens_required: self.requires_dpop,
        })
    }
}

/// The authorization server's endpoints as absolute URLs.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// OAuth 2.1 §3.1.
    pub authorization: String,
    /// OAuth 2.1 §3.2.
    pub token: String,
    /// RFC 7591.
    pub registration: String,
    /// RFC 7009.
    pub revocation: String,
    /// RFC 7662, where any client may ask about tokens.
    pub introspection: Option<String>,
    /// RFC 7517; only `OpenID` clients ask for it.
    pub jwks: String,
}

/// The gateway as an authorization server.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationServer<'a> {
    /// The issuer identifier, byte for byte as in `iss`.
    pub issuer: &'a str,
    /// Where it answers.
    pub endpoints: &'a Endpoints,
    /// Every scope a client may ask for.
    pub scopes: &'a ScopeSet,
    /// Whether clients may register themselves (RFC 7591).
    pub dynamic_registration: bool,
    /// What clients that act for themselves get tokens by, where there are any.
    pub machine_grant: Option<&'static str>,
    /// How clients with keys prove themselves, where there are any.
    pub key_method: Option<AuthenticationMethod>,
    /// Whether a client id may be the URL of a document (CIMD).
    pub metadata_documents: bool,
    /// How long an access token is good.
    pub access_lifetime: Lifetime,
    /// How long a refresh token is good after its last use.
    pub refresh_lifetime: Lifetime,
    /// Whether assertions of other issuers are taken (RFC 7523).
    pub takes_assertions: bool,
}

impl AuthorizationServer<'_> {
    /// The document of RFC 8414 §2.
    pub fn to_json(&self) -> Vec<u8> {
        json(&self.document())
    }

    /// The same with what `OpenID` Connect Discovery §3 requires. The gateway issues no ID tokens; clients that only
    /// find this document check that the members are there.
    pub fn to_openid_json(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Document<'a> {
            #[serde(flatten)]
            oauth: ServerDocument<'a>,
            jwks_uri: &'a str,
            subject_types_supported: [&'static str; 1],
            id_token_signing_alg_values_supported: [&'static str; 1],
        }
        json(&Document {
            oauth: self.document(),
            jwks_uri: &self.endpoints.jwks,
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["RS256"],
        })
    }

    /// What assertions may be signed with.
    fn algorithms(&self) -> Option<[&'static str; 9]> {
        self.key_method.map(|_| Algorithm::ALL.map(Algorithm::as_str))
    }

    fn document(&self) -> ServerDocument<'_> {
        // `none` must be among them: Claude uses a client id metadata document only then.
        let methods = Authentication::METHODS.into_iter().chain(self.key_method).map(AuthenticationMethod::as_str);
        let authentication_methods: Vec<_> = methods.collect();
        // Nobody asks without proving who they are (RFC 7662 §2.1).
        let none = AuthenticationMethod::None.as_str();
        let proving = || authentication_methods.iter().copied().filter(|method| *method != none).collect();
        let assertions = self.takes_assertions.then_some(GRANT_TYPE);
        let grants = ["authorization_code", "refresh_token"].into_iter();
        ServerDocument {
            issuer: self.issuer,
            authorization_endpoint: &self.endpoints.authorization,
            token_endpoint: &self.endpoints.token,
            registration_endpoint: self.dynamic_registration.then_some(&self.endpoints.registration),
            revocation_endpoint: &self.endpoints.revocation,
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            grant_types_supported: grants.chain(self.machine_grant).chain(assertions).collect(),
            token_endpoint_auth_methods_supported: authentication_methods.clone(),
            token_endpoint_auth_signing_alg_values_supported: self.algorithms(),
            introspection_endpoint: self.endpoints.introspection.as_deref(),
            introspection_endpoint_auth_methods_supported: self.endpoints.introspection.as_ref().map(|_| proving()),
            introspection_endpoint_auth_signing_alg_values_supported: self
                .algorithms()
                .filter(|_| self.endpoints.introspection.is_some()),
            revocation_endpoint_auth_methods_supported: authentication_methods,
            revocation_endpoint_auth_signing_alg_values_supported: self.algorithms(),
            code_challenge_methods_supported: ["S256"],
            dpop_signing_alg_values_supported: Algorithm::ALL.map(Algorithm::as_str),
            scopes_supported: self.scopes.iter().collect(),
            client_id_metadata_document_supported: self.metadata_documents,
            authorization_response_iss_parameter_supported: true,
            prompt_values_supported: Prompt::VALUES,
            access_token_lifetime_seconds: self.access_lifetime,
            refresh_token_lifetime_seconds: self.refresh_lifetime,
            refresh_token_rotation: true,
            refresh_token_scope: ScopeSet::OFFLINE_ACCESS,
        }
    }
}

#[derive(Serialize)]
struct ServerDocument<'a> {
    issuer: &'a str,
    authorization_endpoint: &'a str,
    token_endpoint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<&'a String>,
    revocation_endpoint: &'a str,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_signing_alg_values_supported: Option<[&'static str; 9]>,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation_endpoint_auth_signing_alg_values_supported: Option<[&'static str; 9]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_endpoint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_endpoint_auth_methods_supported: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_endpoint_auth_signing_alg_values_supported: Option<[&'static str; 9]>,
    code_challenge_methods_supported: [&'static str; 1],
    dpop_signing_alg_values_supported: [&'static str; 9],
    scopes_supported: Vec<&'a str>,
    client_id_metadata_document_supported: bool,
    authorization_response_iss_parameter_supported: bool,
    /// Initiating User Registration via `OpenID` Connect §4.
    prompt_values_supported: [&'static str; 4],
    // Members of our own (RFC 8414 §2 allows them): what a client may expect of its tokens.
    access_token_lifetime_seconds: Lifetime,
    refresh_token_lifetime_seconds: Lifetime,
    refresh_token_rotation: bool,
    refresh_token_scope: &'static str,
}

/// Strings, flags and numbers always have a JSON form.
fn json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ALGORITHMS: [&str; 9] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

    fn endpoints() -> Endpoints {
        let at = |path: &str| format!("https://gw.example/oauth/{path}");
        Endpoints {
            authorization: at("authorize"),
            token: at("token"),
            registration: at("register"),
            revocation: at("revoke"),
            introspection: None,
            jwks: at("jwks"),
        }
    }

    fn server<'a>(endpoints: &'a Endpoints, scopes: &'a ScopeSet) -> AuthorizationServer<'a> {
        AuthorizationServer {
            issuer: "https://gw.example",
            endpoints,
            scopes,
            dynamic_registration: true,
            machine_grant: None,
            key_method: None,
            metadata_documents: true,
            access_lifetime: Lifetime::hours(1),
            refresh_lifetime: Lifetime::days(30),
            takes_assertions: false,
        }
    }

    fn value(json: &[u8]) -> Value {
        serde_json::from_slice(json).unwrap()
    }

    fn scopes() -> ScopeSet {
        ScopeSet::parse("mcp:tools offline_access").unwrap()
    }

    #[test]
    fn a_resource_names_its_server_and_never_offline_access() {
        let resource = ProtectedResource {
            resource: "https://gw.example/v1/mcp/docs",
            issuers: &["https://gw.example"],
            scopes: &scopes(),
            name: "Docs",
            requires_dpop: false,
        };
        let expected = json!({
            "resource": "https://gw.example/v1/mcp/docs",
            "authorization_servers": ["https://gw.example"],
            "scopes_supported": ["mcp:tools"],
            "bearer_methods_supported": ["header"],
            "resource_name": "Docs",
            "dpop_signing_alg_values_supported": ALGORITHMS,
        });
        assert_eq!(value(&resource.to_json()), expected);
        let required = value(&ProtectedResource { requires_dpop: true, ..resource }.to_json());
        assert_eq!(required["dpop_bound_access_tokens_required"], true);
    }

    #[test]
    fn the_authorization_server_states_every_default() {
        let expected = json!({
            "issuer": "https://gw.example",
            "authorization_endpoint": "https://gw.example/oauth/authorize",
            "token_endpoint": "https://gw.example/oauth/token",
            "registration_endpoint": "https://gw.example/oauth/register",
            "revocation_endpoint": "https://gw.example/oauth/revoke",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "revocation_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["mcp:tools", "offline_access"],
            "dpop_signing_alg_values_supported": ALGORITHMS,
            "client_id_metadata_document_supported": true,
            "authorization_response_iss_parameter_supported": true,
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "access_token_lifetime_seconds": 3600,
            "refresh_token_lifetime_seconds": 2_592_000,
            "refresh_token_rotation": true,
            "refresh_token_scope": "offline_access",
        });
        assert_eq!(value(&server(&endpoints(), &scopes()).to_json()), expected);
    }

    #[test]
    fn whoever_asks_about_tokens_proves_who_they_are() {
        let introspection = Some("https://gw.example/oauth/introspect".to_owned());
        let document = value(&server(&Endpoints { introspection, ..endpoints() }, &scopes()).to_json());
        assert_eq!(document["introspection_endpoint"], "https://gw.example/oauth/introspect");
        let methods = &document["introspection_endpoint_auth_methods_supported"];
        assert_eq!(methods, &json!(["client_secret_basic", "client_secret_post"]));
    }

    #[test]
    fn what_is_switched_off_is_not_offered_and_nothing_is_null() {
        let (endpoints, scopes) = (endpoints(), scopes());
        let closed = AuthorizationServer {
            dynamic_registration: false,
            machine_grant: None,
            key_method: None,
            metadata_documents: false,
            ..server(&endpoints, &scopes)
        };
        let document = value(&closed.to_openid_json());
        assert_eq!(document.get("registration_endpoint"), None);
        assert_eq!(document["client_id_metadata_document_supported"], false);
        assert!(document.as_object().unwrap().values().all(|member| !member.is_null()));
    }

    #[test]
    fn the_openid_document_agrees_and_adds_what_openid_requires() {
        let (endpoints, scopes) = (endpoints(), scopes());
        let server = server(&endpoints, &scopes);
        let mut openid = value(&server.to_openid_json());
        let members = openid.as_object_mut().unwrap();
        assert_eq!(members.remove("jwks_uri").unwrap(), "https://gw.example/oauth/jwks");
        assert_eq!(members.remove("subject_types_supported").unwrap(), json!(["public"]));
        assert_eq!(members.remove("id_token_signing_alg_values_supported").unwrap(), json!(["RS256"]));
        assert_eq!(openid, value(&server.to_json()));
    }
}
