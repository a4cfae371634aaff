//! Where a person goes once an account is connected, or was not.
//!
//! Not here: connecting it.

use http::StatusCode;

use crate::flow::authorize::pending;
use crate::flow::{Answered, RequestContext};
use crate::login::session::BrowserSession;
use crate::page;
use crate::ports::Platform;
use crate::upstream::key::Owner;
use crate::upstream::state::{Back, ConnectIntent};
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::route::Endpoint;

/// Where a person goes once their account is connected.
pub async fn done<P: Platform>(
    context: &RequestContext<'_, P>,
    intent: &ConnectIntent,
    session: &BrowserSession,
) -> Answered<P> {
    kept(context, intent, session, true).await
}

/// Where a person goes once their connection is kept, be it known to work or not.
pub(super) async fn kept<P: Platform>(
    context: &RequestContext<'_, P>,
    intent: &ConnectIntent,
    session: &BrowserSession,
    works: bool,
) -> Answered<P> {
    match &intent.back {
        Back::Client(grant) => pending::release(context, grant, session, Some(&intent.account)).await,
        Back::Connections => {
            let news = if works { "connected" } else { "kept" };
            Ok(Reply::see_other(&format!("{}?{news}={}", Endpoint::Connections.path(), intent.slug)))
        }
        Back::Page => Ok(connected(context, intent, works)),
    }
}

/// Offers the person who failed at an errand a way on.
pub fn way_on(failure: Failure, intent: &ConnectIntent) -> Failure {
    match (&intent.back, &intent.owner) {
        (Back::Client(grant), _) => failure.way_on("Back to connecting", pending::connect_path(&intent.slug, grant)),
        (_, Owner::Subject(_)) => failure.way_on("Your connections", Endpoint::Connections.path()),
        (_, Owner::Gateway) => failure,
    }
}

fn connected<P: Platform>(context: &RequestContext<'_, P>, intent: &ConnectIntent, works: bool) -> Reply<P::Stream> {
    let server = context.config.servers.get(intent.slug.as_str());
    let name = server.map_or(intent.slug.as_str(), |server| server.name.as_str());
    let (happened, todo, link) = match intent.owner {
        Owner::Subject(_) if !works => (
            format!("What you entered is kept. Whether {name} accepts it is not known yet: it could not be tried."),
            "Close this page, go back to your client and repeat what you asked for.",
            Some(page::PageLink::new("Your connections", Endpoint::Connections.path())),
        ),
        Owner::Subject(_) => (
            format!("{name} is connected with your account."),
            "Close this page, go back to your client and repeat what you asked for.",
            Some(page::PageLink::new("Your connections", Endpoint::Connections.path())),
        ),
        Owner::Gateway => {
            (format!("{name} is connected for everybody at this gateway."), "You can close this page.", None)
        }
    };
    let notice = page::Notice {
        tone: page::Tone::Success,
        title: if works { format!("{name} is connected") } else { format!("{name} is connected, but not checked") },
        happened,
        todo: todo.to_owned(),
        facts: Vec::new(),
        reason: None,
        slug: Some(intent.slug.clone()),
        request_id: context.request_id().to_owned(),
        link,
        support: None,
    };
    Reply::page(StatusCode::OK, notice.render())
}
