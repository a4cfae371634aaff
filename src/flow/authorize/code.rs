//! From what a person allowed to the code that the client redeems.
//!
//! Not here: asking the person (`flow::authorize`), and the server that is connected first
//! (`flow::authorize::pending`).

use serde::{Deserialize, Serialize};

use crate::authorization_log::{AuthorizationStep, operation};
use crate::flow::{Answered, RequestContext, revocation};
use crate::login::session::BrowserSession;
use crate::oauth::authorize::request::AuthorizationRequest;
use crate::oauth::grant::{GrantId, Granted};
use crate::oauth::scope::ScopeSet;
use crate::oauth::subject::consent_key;
use crate::oauth::token::opaque;
use crate::oauth::token::opaque::OpaqueKind;
use crate::oauth::{grant, subject};
use crate::ports::{Platform, Unavailable};
use crate::time::{Lifetime, Timestamp};
use crate::upstream::key::FIRST_ACCOUNT;
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// OAuth 2.1 §4.1.2 allows ten minutes; a client redeems within seconds.
const CODE: Lifetime = Lifetime(60);

/// What the consent form carries, sealed and bound to the browser session: nothing is stored before somebody consents.
#[derive(Serialize, Deserialize)]
pub struct ConsentForm {
    /// The grant this consent would make; its object lets the form be used once.
    pub grant: GrantId,
    /// What it would allow.
    #[serde(flatten)]
    pub allowed: Allowed,
    /// Under which key consent is remembered.
    pub consent: String,
    /// What the person may leave out; none where they may leave out nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<ScopeChoice>,
    /// When the page is too old.
    pub expires: Timestamp,
}

/// A choice that a consent form has.
#[derive(Serialize, Deserialize)]
pub struct ScopeChoice {
    /// What of the scope is a field of the form.
    pub optional: ScopeSet,
    /// What the person saw of the client, which is in the key of a consent to less.
    pub fingerprint: String,
}

impl ConsentForm {
    /// Leaves out what the person did not choose. Nothing can be added: only what was a choice on the page is asked
    /// for. Remembered is consent to what is left, so whoever asks for more than that asks the person again.
    pub fn narrow(&mut self, is_chosen: impl Fn(&str) -> bool) {
        let Some(ScopeChoice { optional, fingerprint }) = &self.choice else { return };
        let request = &mut self.allowed.request;
        request.scope = request.scope.filter(|scope| !optional.contains(scope) || is_chosen(scope));
        self.consent = consent_to(request, fingerprint);
    }
}

/// Under which key consent to a request is remembered.
pub fn consent_to(request: &AuthorizationRequest, fingerprint: &str) -> String {
    let redirect = request.redirect.without_port();
    consent_key(&request.client_id, &redirect, &request.scope, &request.resource, fingerprint)
}

/// A client's request, and the name the person knows the client by.
#[derive(Serialize, Deserialize)]
pub struct Allowed {
    /// The request.
    pub request: AuthorizationRequest,
    /// The name.
    #[serde(default)]
    pub client_name: String,
}

/// Makes the grant and sends its code to the client, to use the server with this account of the person's. One winner
/// per grant id: a form used twice gets nothing the second time.
pub async fn issue<P: Platform>(
    context: &RequestContext<'_, P>,
    grant: &GrantId,
    allowed: Allowed,
    session: &BrowserSession,
    account: Option<&str>,
) -> Answered<P> {
    let Allowed { request, client_name } = allowed;
    context.record.client(&request.client_id);
    context.record.server(&request.slug);
    context.record.operation(operation(&request.client_id, request.challenge.as_str()));
    context.record.scopes(&request.scope.to_string());
    context.record.step(AuthorizationStep::Code);
    let person = session.identity.subject.as_str();
    let code = opaque::mint(&context.keys, OpaqueKind::Code, grant, context.platform.random());
    let location = request.success_location(context.origin.as_str(), code.expose());
    let listed = subject::AllowedClient {
        grant: grant.clone(),
        client_id: request.client_id.clone(),
        client_name,
        slug: request.slug.clone(),
        account: account.unwrap_or(FIRST_ACCOUNT).to_owned(),
        at: context.now,
        until: context.now + context.config.tokens.refresh_ttl,
    };
    let server = context.config.servers.get(request.slug.as_str());
    let needs_proof = request.dpop_bound || server.is_some_and(|server| server.requires_dpop);
    let granted = Granted {
        client_id: request.client_id,
        subject: person.to_owned(),
        redirect_uri: request.redirect.as_str().to_owned(),
        scope: request.scope,
        resource: request.resource,
        slug: request.slug,
        challenge: request.challenge,
        account: account.filter(|account| *account != FIRST_ACCOUNT).map(ToOwned::to_owned),
        // Not now: an isolate that has not heard of a revocation yet takes a session from before it, and what comes of
        // that ends too.
        signed_in: Some(session.since),
        jkt: request.dpop_jkt,
        needs_proof,
        confidential: request.confidential,
    };
    let command = grant::Command::Open { granted, code: code.digest(), code_expires: context.now + CODE };
    match context.platform.grant(grant, command).await.map_err(|Unavailable| Failure::storage())? {
        grant::Outcome::Opened => {
            // The consent is used up, so its answer must arrive. Unlisted, the grant still ends with its subject's
            // revocation.
            let added = context.platform.account(person, subject::Command::AddGrant { grant: listed }).await;
            if let Ok(subject::Outcome::GrantAdded { unlisted }) = added {
                for grant in &unlisted {
                    let _ = revocation::end_grant(context, grant).await;
                }
            }
            Ok(Reply::see_other(&location))
        }
        _ => Err(no_pending_authorization()),
    }
}

/// The consent form's authorization is gone: used, expired, or of another browser.
pub fn no_pending_authorization() -> Failure {
    Failure::client(
        400,
        "no_pending_authorization",
        "This consent was already answered, is older than ten minutes, or belongs to another browser session.",
    )
    .fix("Start again from your client: remove nothing, just connect once more.")
}
