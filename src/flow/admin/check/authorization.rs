//! A check's steps toward the authorization server: the same discovery that connecting begins with, and then as far as
//! one gets without a person.
//!
//! Nobody is registered: a registration endpoint is sent what cannot be a registration. Where a client is known, the
//! authorization endpoint is asked what a browser would ask. Not here: the discovery itself (`flow::upstream`).

use http::{Method, Request};
use url::Url;

use super::Check;
use crate::config::OAuth;
use crate::flow::upstream;
use crate::flow::upstream::fetch::FetchedDocument;
use crate::flow::upstream::{Discovered, Wanted, client, fetch};
use crate::headers::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use crate::oauth::pkce::S256Challenge;
use crate::oauth_client::authorization::Ask;
use crate::oauth_client::metadata::IssuerMetadata;
use crate::oauth_client::registration::RegistrationWay;
use crate::oauth_client::url_policy::Reach;
use crate::oauth_client::{authorization, metadata};
use crate::ports::{Answer, Outgoing, Platform, Stream};
use crate::time::Lifetime;
use crate::untrusted::presentable;
use crate::upstream::challenge::UpstreamChallenge;
use crate::upstream::check::StepName;
use crate::upstream::check::seen::{
    AuthorizationHeard, RegistrationHeard, UNFIT_REGISTRATION, same_endpoints, same_resource, unlisted,
};
use crate::upstream::plan::Plan;
use crate::upstream::resource_metadata;
use crate::upstream::resource_metadata::ResourceMetadata;

/// How long the authorization endpoint may take.
const PAGE_DEADLINE: Lifetime = Lifetime(10);

impl<P: Platform> Check<'_, P> {
    /// What connecting takes, found out as it is when somebody connects.
    pub(super) async fn authorize(&mut self, oauth: &OAuth, challenge: UpstreamChallenge) {
        let reach = upstream::reach(self.context, self.server, oauth);
        if !self.goes_on() {
            return self.skip(&[StepName::Resource, StepName::Issuer, StepName::Registration, StepName::Authorization]);
        }
        let Some(resource) = self.resource(&challenge, &reach).await else {
            return self.skip(&[StepName::Issuer, StepName::Registration, StepName::Authorization]);
        };
        let Some(issuer) = self.issuer(oauth, resource.as_ref(), &reach).await else {
            return self.skip(&[StepName::Registration, StepName::Authorization]);
        };
        let found = Discovered { challenge: &challenge, resource: resource.as_ref(), issuer: &issuer };
        let Some(plan) = self.registration(oauth, found).await else {
            return self.skip(&[StepName::Authorization]);
        };
        self.authorization(oauth, &plan, found).await;
    }

    /// `None` where it ends here.
    async fn resource(&mut self, challenge: &UpstreamChallenge, reach: &Reach) -> Option<Option<ResourceMetadata>> {
        self.report.begin(StepName::Resource);
        let server = self.server;
        let resource = match upstream::resource(self.context, server, challenge, reach).await {
            Ok(resource) => resource,
            Err(failure) => {
                self.refused(&failure, server.url.as_str());
                return None;
            }
        };
        let Some(known) = &resource else {
            self.report.say("none, as servers of 2025-03-26");
            return Some(None);
        };
        self.report.say(format!(
            "{}, issued by {}",
            presentable(&known.resource),
            presentable(&known.issuers.join(", "))
        ));
        // A server that names a place is looked for nowhere else.
        let places = resource_metadata::urls(&server.url);
        for place in places.iter().filter(|_| challenge.resource_metadata.is_none()) {
            let Some(document) = self.document(place, resource_metadata::MAX_BYTES).await else { continue };
            let Ok(other) = resource_metadata::parse(&server.url, &document) else { continue };
            if !same_resource(known, &other) {
                let (expected, seen) = (told(known), told(&other));
                self.find_other("upstream_resource_metadata_differs", place.as_str(), &expected, &seen);
                break;
            }
        }
        Some(resource)
    }

    async fn issuer(
        &mut self,
        oauth: &OAuth,
        resource: Option<&ResourceMetadata>,
        reach: &Reach,
    ) -> Option<IssuerMetadata> {
        if !self.goes_on() {
            self.skip(&[StepName::Issuer]);
            return None;
        }
        self.report.begin(StepName::Issuer);
        let server = self.server;
        let issuer = match upstream::issuer(self.context, server, oauth, resource, reach).await {
            Ok(issuer) => issuer,
            Err(failure) => {
                let at =
                    resource.and_then(|resource| resource.issuers.first()).map_or(server.url.as_str(), String::as_str);
                self.refused(&failure, at);
                return None;
            }
        };
        self.report.say(presentable(&issuer.issuer));
        if issuer == metadata::fallback(&server.url) {
            self.find(
                "upstream_metadata_absent",
                server.url.as_str(),
                "neither its metadata nor an authorization server's",
            );
            return Some(issuer);
        }
        let is_written_down = oauth.client.as_ref().is_some_and(|client| client.token_endpoint.is_some());
        let places = Url::parse(&issuer.issuer).map(|at| metadata::urls(&at)).unwrap_or_default();
        for place in places.iter().filter(|_| !is_written_down) {
            let Some(document) = self.document(place, metadata::MAX_BYTES).await else { continue };
            let Ok(other) = metadata::parse(&issuer.issuer, &document, reach) else { continue };
            if !same_endpoints(&issuer, &other) {
                let endpoints =
                    |of: &IssuerMetadata| format!("{} and {}", of.authorization_endpoint, of.token_endpoint);
                let (expected, seen) = (endpoints(&issuer), endpoints(&other));
                self.find_other("upstream_issuer_metadata_differs", place.as_str(), &expected, &seen);
                break;
            }
        }
        Some(issuer)
    }

    async fn registration(&mut self, oauth: &OAuth, found: Discovered<'_>) -> Option<Plan> {
        if !self.goes_on() {
            self.skip(&[StepName::Registration]);
            return None;
        }
        self.report.begin(StepName::Registration);
        let (context, server) = (self.context, self.server);
        let plan = match upstream::chosen(context, server, oauth, Wanted::default(), found) {
            Ok(plan) => plan,
            Err(failure) => {
                self.refused(&failure, &found.issuer.issuer);
                return None;
            }
        };
        let redirect_uri = client::redirect_uri(context, oauth.client.as_ref(), &plan);
        match (&plan.way, &oauth.client) {
            (RegistrationWay::Register(_), _) if *found.issuer == metadata::fallback(&server.url) => {
                self.report.leave("not tried: where to register is a guess");
            }
            (RegistrationWay::Register(endpoint), _) => self.register_nobody(endpoint).await,
            (RegistrationWay::Document, _) => {
                self.report.say(format!("is known by {}", client::named_document_id(context, &plan.source.issuer)));
            }
            (RegistrationWay::Configured, Some(configured)) => {
                match client::configured(context, configured, plan.method) {
                    Ok(_) => self.report.say(format!(
                        "{}, registered by hand; its redirect URI there has to be {redirect_uri}",
                        presentable(&configured.client_id)
                    )),
                    Err(failure) => self.refused(&failure, &plan.source.issuer),
                }
            }
            (RegistrationWay::Configured, None) => {}
        }
        self.report.goes_on().then_some(plan)
    }

    /// Whether registering is possible, as far as that can be told without doing it.
    async fn register_nobody(&mut self, endpoint: &str) {
        let request = Request::builder()
            .method(Method::POST)
            .uri(endpoint)
            .header(ACCEPT.as_str(), "application/json")
            .header(CONTENT_TYPE.as_str(), "application/json")
            .body(UNFIT_REGISTRATION.to_vec());
        let Ok(request) = request else { return };
        let Ok((status, ..)) = fetch::send(self.context, request, 0).await else {
            return self.report.say("the registration endpoint did not answer; the first person's trip asks it again");
        };
        let when = "the gateway registers when the first person connects";
        match RegistrationHeard::of(status) {
            RegistrationHeard::Open => self.report.say(format!("possible; {when}")),
            RegistrationHeard::Unknown => self.report.say(format!("it answers {}; {when}", status.as_u16())),
            RegistrationHeard::TookAnything => {
                self.report.say("possible; it registered a client of no use for what could be none");
            }
            RegistrationHeard::Closed => {
                self.find("upstream_registration_closed", endpoint, &status.as_u16().to_string());
            }
        }
    }

    async fn authorization(&mut self, oauth: &OAuth, plan: &Plan, found: Discovered<'_>) {
        if !self.goes_on() {
            return self.skip(&[StepName::Authorization]);
        }
        self.report.begin(StepName::Authorization);
        let listed = found.resource.and_then(|resource| resource.scopes.as_deref()).unwrap_or_default();
        let unlisted = unlisted(oauth.scope.as_deref().unwrap_or_default(), &[listed, &found.issuer.scopes]);
        let client_id = match (&plan.way, &oauth.client) {
            (RegistrationWay::Configured, Some(configured)) => configured.client_id.clone(),
            (RegistrationWay::Document, _) => client::named_document_id(self.context, &plan.source.issuer),
            _ => String::new(),
        };
        if client_id.is_empty() {
            self.report.leave("not asked: the gateway has no client there yet");
        } else {
            self.send_nobody(oauth, plan, &client_id).await;
        }
        if !unlisted.is_empty() && self.report.goes_on() {
            let known = [listed, &found.issuer.scopes].concat().join(" ");
            self.find_other("upstream_scope_unsupported", &plan.source.issuer, &known, &unlisted.join(" "));
        }
    }

    /// Asks the authorization endpoint what a browser would, without going on.
    async fn send_nobody(&mut self, oauth: &OAuth, plan: &Plan, client_id: &str) {
        let Ok(endpoint) = Url::parse(&plan.authorization_endpoint) else { return };
        let redirect_uri = client::redirect_uri(self.context, oauth.client.as_ref(), plan);
        let (state, challenge) = (self.context.secret(), S256Challenge::of(self.context.secret().expose()));
        let asked = authorization::url(
            &endpoint,
            &Ask {
                client_id,
                redirect_uri: &redirect_uri,
                state: &state,
                challenge: &challenge,
                resource: plan.source.resource.as_deref(),
                scope: plan.source.scope.as_deref(),
            },
        );
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/html"))]);
        let request =
            Outgoing { method: Method::GET, url: asked.clone(), headers, body: Vec::new(), within: PAGE_DEADLINE };
        let Ok(Answer { status, headers, body, .. }) = self.context.platform.fetch(request).await else {
            return self.report.say("the authorization endpoint did not answer the gateway; browsers may reach it");
        };
        body.discard().await;
        let location = headers.get(LOCATION).and_then(|to| to.to_str().ok());
        let expected = format!("a sign-in for {client_id} and {redirect_uri}");
        match AuthorizationHeard::of(status, location, &asked, &redirect_uri) {
            AuthorizationHeard::GoesOn => self.report.say("leads to a sign-in"),
            AuthorizationHeard::Unknown => {
                self.report.say(format!("answers {} to the gateway; browsers may see a sign-in", status.as_u16()));
            }
            AuthorizationHeard::Refused(code) => {
                self.find_other("upstream_authorization_refused", endpoint.as_str(), &expected, &code);
            }
            AuthorizationHeard::ScopeRefused => {
                let scope = plan.source.scope.as_deref().unwrap_or("no scope");
                self.find("upstream_scope_refused", endpoint.as_str(), &format!("invalid_scope, for {scope}"));
            }
        }
    }

    /// A document at one place, if there is one.
    async fn document(&self, place: &Url, limit: usize) -> Option<Vec<u8>> {
        match fetch::first(self.context, self.server, std::slice::from_ref(place), limit).await {
            Ok(FetchedDocument::Found(document)) => Some(document),
            Ok(FetchedDocument::Missing) | Err(_) => None,
        }
    }
}

fn told(resource: &ResourceMetadata) -> String {
    format!("{}, issued by {}", resource.resource, resource.issuers.join(", "))
}
