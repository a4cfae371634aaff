//! The console's clients, as a page and as JSON: one by its id, and forgetting its registration.
//!
//! Not here: finding clients for the authorization server (`flow::client`).

use http::StatusCode;
use serde_json::json;

use super::form;
use super::form::{Act, ActKind, back, form_gone};
use super::frame::{enter, frame};
use super::question::{Confirmation, ask};
use crate::flow::admin::{acts, operator};
use crate::flow::client::register;
use crate::flow::{Answered, Head, RequestContext, client};
use crate::oauth::client::redirect::RedirectUri;
use crate::oauth::client::registered::RegisteredClient;
use crate::oauth::client::{Client, ClientSource, GrantType, document, id};
use crate::page;
use crate::page::{ClientFacts, SetUpClient};
use crate::ports::{Platform, Unavailable};
use crate::time::Timestamp;
use crate::untrusted::presentable;
use crate::web::failure::Failure;
use crate::web::form as parameters;
use crate::web::reply::Reply;
use crate::web::route::Endpoint;

/// A client, and what is kept of it.
struct Known {
    client: Client,
    registration: Option<Registration>,
}

struct Registration {
    at: Timestamp,
    expires: Timestamp,
    /// Whether there is a record of it.
    stored: bool,
    /// Until when its id is a registration of its own, where it is one still.
    sealed_until: Option<Timestamp>,
}

/// `GET /admin/clients` as a page: with `id` one client.
pub async fn show<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    let signed_in = match enter(context, head).await {
        Ok(signed_in) => signed_in,
        Err(elsewhere) => return elsewhere,
    };
    let asked = asked(head);
    let (client, trouble) = match &asked {
        None => (None, None),
        Some(asked) => match find(context, head, asked).await {
            Ok(known) => (Some(facts(context, &known)), None),
            Err(failure) if failure.status.is_server_error() => return Err(failure),
            Err(failure) => (None, Some(failure.message.clone())),
        },
    };
    let removed = head.query() == "removed";
    let set_up = context.config.clients.preregistered.iter();
    let news = "The registration is removed. In other parts of the gateway it is within about five minutes.";
    let page = page::ClientsPage {
        frame: frame(context, &signed_in, Endpoint::AdminClients, removed.then(|| news.to_owned())),
        asked: asked.as_deref().map(id::reference).unwrap_or_default(),
        client,
        trouble,
        set_up: set_up.map(|known| SetUpClient { name: known.name.clone(), id: known.client_id.clone() }).collect(),
    };
    Ok(Reply::page(StatusCode::OK, page.render()))
}

/// `GET /admin/clients?id=` as JSON.
pub async fn tell<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    operator::reads(context, head).await?;
    let asked = asked(head).ok_or_else(|| no_such_client(""))?;
    let ClientFacts { name, id, source, authentication, redirect_uris, grant_types, scope, removable, .. } =
        facts(context, &find(context, head, &asked).await?);
    let told = json!({
        "client_id": id, "client_name": name, "source": source, "token_endpoint_auth_method": authentication,
        "redirect_uris": redirect_uris, "grant_types": grant_types, "scope": scope, "removable": removable,
    });
    Ok(Reply::json(StatusCode::OK, &told))
}

/// `POST /admin/clients`: forgets a registration, once it was asked about.
pub async fn answer<P: Platform>(context: &RequestContext<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    let posted = form::read(context, head, body).await?;
    if let Some(act) = posted.confirmed().filter(|act| act.kind == ActKind::RemoveClient) {
        let registered = register::referenced(context, &act.client).await.map_err(|Unavailable| Failure::storage())?;
        let id = registered.as_ref().map_or(act.client.as_str(), RegisteredClient::id);
        register::forget(context, id).await?;
        let about = json!({"client": act.client});
        acts::note(context.platform, context.record, &posted.operator(), "remove_client", about);
        return Ok(Reply::see_other(&format!("{}?removed", Endpoint::AdminClients.path())));
    }
    let asked = posted.field("id").filter(|_| posted.field("act") == Some("remove_client")).ok_or_else(form_gone)?;
    let known = find(context, head, asked).await?;
    let shown = facts(context, &known);
    if !shown.removable {
        return Ok(back(Endpoint::AdminClients, &[("id", asked)]));
    }
    let question = Confirmation {
        endpoint: Endpoint::AdminClients,
        act: Act { client: shown.id.clone(), ..Act::new(ActKind::RemoveClient, &shown.id) },
        title: format!("Remove the registration of {}?", page::short(&shown.name)),
        consequence: "The client is unknown from then on: it is refused when it refreshes its access and when it asks \
                      for more, and has to register again. Access that it has ends with its access token."
            .to_owned(),
        yes: "Remove",
        back: form::address(Endpoint::AdminClients, &[("id", &shown.id)]),
        facts: vec![("Client", shown.id.clone()), ("Codes are sent to", shown.redirect_uris.join("\n"))],
    };
    Ok(ask(context, &posted.signed_in, question))
}

/// A client by its id, or by what stands for that on pages and in lists.
async fn find<P: Platform>(context: &RequestContext<'_, P>, head: &Head, asked: &str) -> Result<Known, Failure> {
    let referenced = register::referenced(context, asked).await.map_err(|Unavailable| Failure::storage())?;
    if referenced.is_none() && !id::is_registered_id(asked) {
        let is_set_up = context.config.clients.preregistered.iter().any(|client| client.client_id == asked);
        if !is_set_up && !document::is_document_id(asked) {
            return Err(no_such_client(asked));
        }
        let client = client::find(context, head, asked).await?;
        return Ok(Known { client: (*client).clone(), registration: None });
    }
    let stored = match referenced {
        Some(stored) => Some(stored),
        None => register::stored(context, asked).await.map_err(|Unavailable| Failure::storage())?,
    };
    let whole = stored.as_ref().map_or(asked, RegisteredClient::id);
    let sealed = RegisteredClient::open(&context.keys, whole).ok();
    let sealed = sealed.filter(|sealed| !sealed.expires().reached(context.now));
    let sealed_until = sealed.as_ref().map(RegisteredClient::expires);
    let is_stored = stored.is_some();
    let known = stored.or(sealed).ok_or_else(|| no_such_client(asked))?;
    let registration = Registration {
        at: known.registered_at(),
        expires: known.expires(),
        stored: is_stored,
        sealed_until: sealed_until.filter(|_| context.config.clients.dynamic_registration),
    };
    Ok(Known { client: known.client(), registration: Some(registration) })
}

fn facts<P>(context: &RequestContext<'_, P>, known: &Known) -> ClientFacts {
    let Known { client, registration } = known;
    let sealed_until = registration.as_ref().and_then(|registration| registration.sealed_until);
    let stays = sealed_until.map(|until| {
        let hours = until.remaining(context.now).0.div_ceil(3600);
        format!(
            "It registered less than 25 hours ago, so its id is its registration, and cannot be removed for another \
             {hours} h. What it may do ends where people’s grants to it are revoked."
        )
    });
    ClientFacts {
        name: client.label(),
        id: id::reference(&client.id),
        source: match &client.source {
            ClientSource::Registered => "its own registration: nobody vouches for it".to_owned(),
            ClientSource::Document { host } => format!("the document that its id is the address of, at {host}"),
            ClientSource::Preregistered => "the configuration of this gateway".to_owned(),
        },
        authentication: client.authentication.method().as_str(),
        redirect_uris: client.redirect_uris.iter().map(RedirectUri::as_str).map(ToOwned::to_owned).collect(),
        grant_types: client.grant_types.iter().copied().map(grant_type).collect(),
        scope: client.scope.as_ref().map(ToString::to_string),
        registered: registration.as_ref().map(|registration| registration.at),
        forgotten: registration.as_ref().map(|registration| registration.expires),
        removable: registration.as_ref().is_some_and(|registration| registration.stored) && stays.is_none(),
        stays,
    }
}

fn grant_type(grant: GrantType) -> &'static str {
    match grant {
        GrantType::AuthorizationCode => "authorization_code",
        GrantType::RefreshToken => "refresh_token",
    }
}

/// The id that is asked for.
fn asked(head: &Head) -> Option<String> {
    let query = parameters::parse(head.query().as_bytes()).ok()?;
    query.one("id").ok().flatten().map(|id| id.trim().to_owned()).filter(|id| !id.is_empty())
}

fn no_such_client(asked: &str) -> Failure {
    let message = format!("No client is known here by the id {:?}.", presentable(asked));
    Failure::client(404, "no_such_client", message)
        .fix("Ask with ?id= and the id as it is in the log. A registration that is not used is forgotten after a day.")
}
