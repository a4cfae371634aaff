//! The authorization endpoint (OAuth 2.1 §4.1): from a client's request to the consent page, or straight to a code
//! where consent was given before to a client that proves itself.
//!
//! Not here: what a valid request is (`oauth::authorize::request`), the consent form's answer
//! (`flow::authorize::consent`).

mod ask;
pub mod code;
pub mod consent;
pub mod pending;
mod refuse;

use super::login::session;
use super::{Answered, Head, RequestContext, client, default_scope, login};
use crate::authorization_log::{AuthorizationStep, EntryKind, operation};
use crate::config::{Asker, ConsentPolicy, Question};
use crate::login::oidc::Demand;
use crate::oauth::authorize::error::RedirectError;
use crate::oauth::authorize::prompt;
use crate::oauth::authorize::request::{AuthorizationRequest, ClientQuery, KnownServers, Redirectable};
use crate::oauth::error::ErrorCode;
use crate::oauth::grant::GrantId;
use crate::oauth::subject;
use crate::ports::{Platform, Unavailable};
use crate::web::failure::Failure;
use crate::web::route::ResourceForm;
use code::Allowed;

/// `GET /oauth/authorize`.
pub async fn authorize<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    // 1. Who asks, and where may an answer be sent? Until both are proven, errors are shown here and redirect nowhere.
    context.record.kind(EntryKind::Authorization);
    context.record.step(AuthorizationStep::Client);
    let query = ClientQuery::parse(head.query()).map_err(|error| refuse::local(&error))?;
    let client = client::find(context, head, &query.client_id).await.map_err(refuse::shown)?;
    context.record.step(AuthorizationStep::RedirectUri);
    let redirectable = query.for_client(&client).map_err(|error| refuse::local(&error))?;
    // 2. Is the request itself in order?
    let signed_in = session::current(context, head).await?;
    context.record.step(AuthorizationStep::Request);
    let refuse = |error: &RedirectError, known| refuse::answer(context, &client, &redirectable, error, known);
    let listed = context.shows_servers() || (signed_in.is_some() && !refuse::goes_back(&client, &redirectable));
    let read = parse(context, &redirectable, listed).and_then(|request| Ok((request, redirectable.prompt()?)));
    let (request, prompt) = match read {
        Ok(read) => read,
        Err(error) => return refuse(&error, false),
    };
    context.record.operation(operation(&request.client_id, request.challenge.as_str()));
    context.record.server(&request.slug);
    context.record.scopes(&request.scope.to_string());
    // 3. Who is at the browser?
    context.record.step(AuthorizationStep::SignIn);
    let present = signed_in.filter(|_| !prompt.demands_sign_in());
    let Some(signed_in) = present else {
        if prompt.none {
            return refuse(
                &RedirectError::new(ErrorCode::LoginRequired, "Nobody is signed in at this browser."),
                false,
            );
        }
        context.record.outcome("asked");
        let demand = Demand { anew: prompt.login, choice: prompt.select_account };
        let way_back = format!("{}?{}", head.url.path(), prompt::signed_in(head.query()));
        return login::demand(context, head, &way_back, demand).await;
    };
    // 4. Must they be asked?
    context.record.step(AuthorizationStep::Consent);
    let consent = code::consent_to(&request, &client.fingerprint());
    let on_loopback = context.origin.is_loopback();
    let trusted = client.is_preregistered() || on_loopback;
    let asker = Asker { trusted, authenticates: client.authenticates(), on_loopback };
    let policy = context.config.consent.toward(asker);
    let given = has_consented(context, policy, &signed_in.session.identity.subject, &consent).await?;
    let question = policy.question(asker, given && !prompt.consent);
    if prompt.none {
        let session = &signed_in.session;
        let missing = match question {
            Question::Nothing => pending::is_due(context, &request.slug, session).await?.then_some((
                ErrorCode::InteractionRequired,
                "The person has to connect an account at the server, or choose one, before the client gets access.",
            )),
            _ => Some((ErrorCode::ConsentRequired, "The person has to be asked on a page, and none may be shown.")),
        };
        if let Some((code, why)) = missing {
            return refuse(&RedirectError::new(code, why), given);
        }
    }
    context.record.outcome(if question == Question::Nothing { "given" } else { "asked" });
    if question == Question::Nothing {
        let grant = GrantId::new(context.platform.random());
        return pending::conclude(
            context,
            &grant,
            Allowed { request, client_name: client.label() },
            &signed_in.session,
        )
        .await;
    }
    Ok(ask::page(context, head, &client, request, consent, &signed_in, question).await)
}

fn parse<P: Platform>(
    context: &RequestContext<'_, P>,
    redirectable: &Redirectable,
    listed: bool,
) -> Result<AuthorizationRequest, RedirectError> {
    let origin = context.origin.as_str();
    let forms = |server| ResourceForm::all(&context.origin, server);
    let servers = context.config.servers.values().filter(|server| server.accepts.own);
    let forms = servers.flat_map(|server| forms(server).map(|form| (&server.slug, form)));
    let urls: Vec<_> = forms.map(|(slug, form)| (slug.as_str(), form.url())).collect();
    let all: Vec<_> = urls.iter().map(|(slug, url)| (*slug, url.as_str())).collect();
    let supported = context.config.supported_scope();
    redirectable.parse(origin, &KnownServers { all: &all, listed }, &supported, &default_scope())
}

async fn has_consented<P: Platform>(
    context: &RequestContext<'_, P>,
    policy: ConsentPolicy,
    subject: &str,
    consent: &str,
) -> Result<bool, Failure> {
    match policy {
        ConsentPolicy::Never => Ok(true),
        ConsentPolicy::Always => Ok(false),
        ConsentPolicy::Once => {
            let command = subject::Command::Recall { consent: consent.to_owned() };
            let outcome = context.platform.account(subject, command).await.map_err(|Unavailable| Failure::storage())?;
            Ok(matches!(outcome, subject::Outcome::Recalled { given: true }))
        }
    }
}
