//! Other issuers: whose tokens and assertions are taken, and what somebody who presents one may do.
//!
//! An alias is part of the ids of everybody who comes from its issuer, so no alias can make an id of anybody else.
//!
//! Not here: which servers take tokens of which issuer (`config::accepts`), and whether a token is good.

use std::collections::BTreeMap;

use url::Url;

use super::clients::agree_on_method;
use super::document::{
    IntrospectionDocument, IssuerDocument, IssuerKindDocument, IssuerRolesDocument, TokenTypeDocument,
};
use super::login::Login;
use super::origin::{Origin, web_url};
use super::report::{Complaint, Pointer, Report, shown};
use super::secret_name::SecretName;
use super::{alias, origin, roles, scopes, text};
use crate::oauth::authentication_method::AuthenticationMethod;
use crate::oauth::scope::ScopeSet;
use crate::policy::{ClaimName, RoleMapping, Scopes};

const MOST: usize = 32;

/// An issuer beside the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalIssuer {
    /// What its subjects' ids begin with.
    pub alias: String,
    /// Its identifier, verbatim: compared with `iss` to the last character.
    pub issuer: String,
    /// Where its keys are; otherwise its metadata says so.
    pub jwks_uri: Option<Url>,
    /// The audience that its tokens must name, where it is not what they are presented to.
    pub audience: Option<String>,
    /// What is taken of it.
    pub kind: IssuerKind,
}

/// What is taken of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssuerKind {
    /// Its access tokens.
    AccessTokens(AccessTokens),
    /// Its word for which workload somebody is.
    Workload(Workload),
    /// Its word that a client may act for a person.
    IdJag {
        /// The clients that it may say that of.
        clients: Vec<String>,
    },
}

/// How access tokens of an issuer are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessTokens {
    /// Whether a JWT need not say that it is an access token.
    pub untyped: bool,
    /// The gateway's scopes by the issuer's; without it they are called the same.
    pub scopes: Option<BTreeMap<String, ScopeSet>>,
    /// Where roles come from; without it nobody has any.
    pub roles: Option<RoleMapping>,
    /// How the issuer is asked.
    pub introspection: Option<Introspection>,
}

/// The gateway as a client of an issuer's introspection endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introspection {
    /// Where; otherwise its metadata says so.
    pub endpoint: Option<Url>,
    /// The gateway's id there.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretName,
    /// How the secret is sent.
    pub method: AuthenticationMethod,
    /// Whether JWTs are asked about too.
    pub jwts: bool,
}

/// Which workloads are taken, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// What the assertion must claim: one of these values of each.
    pub require: BTreeMap<ClaimName, Vec<String>>,
    /// The roles.
    pub roles: Vec<String>,
    /// The scope.
    pub scope: ScopeSet,
}

impl AccessTokens {
    /// What to ask the issuer for, to have these scopes of the gateway's.
    fn to_ask(map: &BTreeMap<String, ScopeSet>, scope: &ScopeSet) -> ScopeSet {
        let gives = |ours: &ScopeSet| scope.iter().any(|wanted| ours.contains(wanted));
        ScopeSet::of(&map.iter().filter(|(_, ours)| gives(ours)).map(|(theirs, _)| theirs.as_str()).collect::<Vec<_>>())
    }

    pub(super) fn scope_to_ask(&self, scope: &ScopeSet) -> ScopeSet {
        self.scopes.as_ref().map_or_else(|| scope.clone(), |map| Self::to_ask(map, scope))
    }
}

impl ExternalIssuer {
    /// How its access tokens are read, if they are taken at all.
    pub const fn access_tokens(&self) -> Option<&AccessTokens> {
        match &self.kind {
            IssuerKind::AccessTokens(tokens) => Some(tokens),
            IssuerKind::Workload(_) | IssuerKind::IdJag { .. } => None,
        }
    }

    /// Whether somebody who comes from it can have a role.
    pub(in crate::config) fn gives(&self, role: &str) -> bool {
        match &self.kind {
            IssuerKind::AccessTokens(tokens) => tokens.roles.as_ref().is_some_and(|mapping| mapping.gives(role)),
            IssuerKind::Workload(workload) => workload.roles.iter().any(|given| given == role),
            IssuerKind::IdJag { .. } => false,
        }
    }
}

/// What issuers are proven against.
pub(super) struct Surroundings<'a> {
    pub(super) scopes: &'a Scopes,
    pub(super) login: Option<&'a Login>,
    pub(super) public_url: Option<&'a Origin>,
}

/// Proves every issuer.
pub(super) fn prove(
    documents: BTreeMap<String, IssuerDocument>,
    around: &Surroundings<'_>,
    at: &Pointer,
    report: &mut Report,
) -> BTreeMap<String, ExternalIssuer> {
    if documents.len() > MOST {
        report.add(at, format!("has {} issuers", documents.len()), format!("keep it to {MOST}"));
    }
    let mut issuers = BTreeMap::new();
    for (alias, document) in documents.into_iter().take(MOST) {
        let at = at.child(&alias);
        let alias = report.check(&at, own_alias(alias, around.login));
        let alias = alias.and_then(|alias| {
            let rule = alias::not_reserved_since(&alias);
            report.check_new(&at, alias, rule)
        });
        let issuer = prove_issuer(document, around, &at, report);
        if let (Some(alias), Some(issuer)) = (alias, issuer) {
            issuers.insert(alias.clone(), ExternalIssuer { alias, ..issuer });
        }
    }
    issuers
}

fn prove_issuer(
    document: IssuerDocument,
    around: &Surroundings<'_>,
    at: &Pointer,
    report: &mut Report,
) -> Option<ExternalIssuer> {
    forbid_others(&document, at, report);
    let place = at.child("issuer");
    let issuer = report.require(&place, document.issuer, "write the issuer, such as \"https://as.example.com\"");
    let issuer = issuer.and_then(|text| report.check(&place, origin::issuer(text)));
    if issuer.as_deref().is_some_and(|issuer| around.public_url.is_some_and(|own| own.as_str() == issuer)) {
        report.add(&place, "is this gateway itself", "write \"own\" in accepts: that is what its tokens are called");
    }
    let jwks_uri = document.jwks_uri.and_then(|text| report.check(&at.child("jwks_uri"), web_url(&text)));
    let audience = document.audience.filter(|audience| audience != "resource");
    let audience = audience.and_then(|text| report.check(&at.child("audience"), text::label(text, 500)));
    let kind = match document.kind {
        IssuerKindDocument::AccessTokens => {
            let place = at.child("scopes");
            let scopes = document.scopes.map(|map| prove_scopes(map, around.scopes, &place, report));
            let place = at.child("roles");
            let roles = match document.roles {
                Some(IssuerRolesDocument::Claim(roles)) => Some(roles::prove_mapping(roles, &place, report)?),
                Some(IssuerRolesDocument::Given(_)) => {
                    report.add(&place, "is a list", "write the claim that says them, such as {\"claim\": \"roles\"}");
                    None
                }
                None => None,
            };
            let introspection = match document.introspection {
                Some(asking) => Some(prove_introspection(asking, &at.child("introspection"), report)?),
                None => None,
            };
            let untyped = document.token_type == TokenTypeDocument::Jwt;
            IssuerKind::AccessTokens(AccessTokens { untyped, scopes, roles, introspection })
        }
        IssuerKindDocument::Workload => {
            let require = prove_require(document.require, &at.child("require"), report);
            let place = at.child("roles");
            let given = match document.roles {
                Some(IssuerRolesDocument::Given(roles)) => roles.into_iter().map(Some).collect(),
                Some(IssuerRolesDocument::Claim(_)) => {
                    report.add(
                        &place,
                        "names a claim",
                        "write the roles that such a workload has, such as [\"deployer\"]",
                    );
                    Vec::new()
                }
                None => Vec::new(),
            };
            let roles = roles::prove_roles(given, &place, report);
            let scope = document.scope.unwrap_or_else(|| ScopeSet::TOOLS.to_owned());
            let scope = report.check(&at.child("scope"), own_scope(&scope, around.scopes));
            IssuerKind::Workload(Workload { require: require?, roles, scope: scope? })
        }
        IssuerKindDocument::IdJag => {
            let place = at.child("clients");
            let clients = report.require(&place, document.clients, "write the ids of the clients that may come so");
            let clients = report.entries(&place, clients?);
            let clients: Vec<_> =
                clients.into_iter().filter_map(|(at, id)| report.check(&at, text::client_id(id))).collect();
            IssuerKind::IdJag { clients }
        }
    };
    Some(ExternalIssuer { alias: String::new(), issuer: issuer?, jwks_uri, audience, kind })
}

/// What is of no use for the kind is a misunderstanding.
fn forbid_others(document: &IssuerDocument, at: &Pointer, report: &mut Report) {
    use IssuerKindDocument::{AccessTokens, IdJag, Workload};
    let kind = document.kind;
    let typed = document.token_type != TokenTypeDocument::AccessToken;
    for (field, written, kinds) in [
        ("token_type", typed, [AccessTokens].as_slice()),
        ("scopes", document.scopes.is_some(), &[AccessTokens]),
        ("introspection", document.introspection.is_some(), &[AccessTokens]),
        ("roles", document.roles.is_some(), &[AccessTokens, Workload]),
        ("audience", document.audience.is_some(), &[AccessTokens, Workload]),
        ("require", document.require.is_some(), &[Workload]),
        ("scope", document.scope.is_some(), &[Workload]),
        ("clients", document.clients.is_some(), &[IdJag]),
    ] {
        if written && !kinds.contains(&kind) {
            report.add(&at.child(field), "means nothing for an issuer of this kind", "remove it, or correct \"kind\"");
        }
    }
}

/// A login's ids begin with its alias, or with its issuer, whose host may be followed by a port.
fn own_alias(alias: String, login: Option<&Login>) -> Result<String, Complaint> {
    let alias = alias::prove(alias)?;
    let begins = |issuer: &str| {
        let place = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
        place.strip_prefix(alias.as_str()).is_some_and(|rest| rest.starts_with(':'))
    };
    let is_of_login = match login {
        Some(Login::Oidc(oidc)) => begins(&oidc.issuer),
        Some(Login::Github(github)) => begins(&github.url),
        Some(Login::Page(page)) => page.alias == alias,
        Some(Login::Dev { .. }) | None => false,
    };
    if is_of_login {
        return alias::refused(&alias, "how the ids of people who sign in begin", "choose another alias");
    }
    Ok(alias)
}

fn prove_scopes(
    map: BTreeMap<String, String>,
    known: &Scopes,
    at: &Pointer,
    report: &mut Report,
) -> BTreeMap<String, ScopeSet> {
    let mut proven = BTreeMap::new();
    for (theirs, ours) in map {
        let at = at.child(&theirs);
        if !text::is_scope_token(&theirs) {
            report.add(
                &at,
                format!("is for {}, which is not one scope", shown(&theirs)),
                "write one scope as the name",
            );
        }
        if let Some(ours) = report.check(&at, own_scope(&ours, known)) {
            proven.insert(theirs, ours);
        }
    }
    proven
}

/// Scopes that are the gateway's own, or defined by the operator. Nobody refreshes with a token of another issuer.
fn own_scope(text: &str, known: &Scopes) -> Result<ScopeSet, Complaint> {
    let set = text::scope(text.to_owned()).map(|text| ScopeSet::of(&text.split(' ').collect::<Vec<_>>()))?;
    set.iter().filter(|scope| *scope != ScopeSet::TOOLS).try_for_each(|scope| scopes::defined(scope, known.names()))?;
    Ok(set)
}

fn prove_introspection(document: IntrospectionDocument, at: &Pointer, report: &mut Report) -> Option<Introspection> {
    let place = at.child("client_id");
    let client_id = report.require(&place, document.client_id, "write the id the issuer gave to this gateway");
    let client_id = client_id.and_then(|id| report.check(&place, text::client_id(id)));
    let place = at.child("client_secret");
    agree_on_method(document.client_secret.is_some(), document.token_endpoint_auth_method, at, report);
    let secret = report.require(&place, document.client_secret, "write {\"secret\": \"NAME\"}");
    let client_secret = secret.and_then(|secret| SecretName::prove(secret, &place, report));
    let endpoint = document.endpoint.and_then(|text| report.check(&at.child("endpoint"), web_url(&text)));
    let method = document.token_endpoint_auth_method.unwrap_or(AuthenticationMethod::ClientSecretBasic);
    Some(Introspection { endpoint, client_id: client_id?, client_secret: client_secret?, method, jwts: document.jwts })
}

/// An issuer of workloads is often everybody's: without a claim that tells the own ones, it would let in the world.
fn prove_require(
    require: Option<BTreeMap<String, Vec<Option<String>>>>,
    at: &Pointer,
    report: &mut Report,
) -> Option<BTreeMap<ClaimName, Vec<String>>> {
    let fix = "write which claims tell your workloads from others', such as {\"repository\": [\"acme/app\"]}";
    let require = report.require(at, require, fix)?;
    if require.is_empty() && !report.has_within(at) {
        report.add(at, "is empty, so every workload of the issuer would be taken", fix);
    }
    let mut proven = BTreeMap::new();
    for (name, values) in require {
        let at = at.child(&name);
        let name = report.check(&at, roles::claim_name(&name));
        if values.is_empty() {
            report.add(&at, "is empty, so no workload would be taken", "write the values that it may have");
        }
        let values = report.entries(&at, values);
        let values: Vec<_> =
            values.into_iter().filter_map(|(at, text)| report.check(&at, text::label(text, 500))).collect();
        if let Some(name) = name {
            proven.insert(name, values);
        }
    }
    Some(proven)
}

#[cfg(test)]
mod tests;
