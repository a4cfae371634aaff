//! Where a person goes once an account is connected, or was not.
//!
//! Not here: connecting it.

use http::StatusCode;

use crate::flow::authorize::pending;
use crate::flow::{Answered, Site};
use crate::login::session::BrowserSession;
use crate::page;
use crate::ports::Platform;
use crate::upstream::key::Owner;
use crate::upstream::state::{Back, Errand};
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::route::Endpoint;

/// Where a person goes once their account is connected.
pub async fn done<P: Platform>(site: &Site<'_, P>, errand: &Errand, session: &BrowserSession) -> Answered<P> {
    kept(site, errand, session, true).await
}

/// Where a person goes once their connection is kept, be it known to work or not.
pub(super) async fn kept<P: Platform>(
    site: &Site<'_, P>,
    errand: &Errand,
    session: &BrowserSession,
    works: bool,
) -> Answered<P> {
    match &errand.back {
        Back::Client(grant) => pending::release(site, grant, session, Some(&errand.account)).await,
        Back::Connections => {
            let news = if works { "connected" } else { "kept" };
            Ok(Reply::see_other(&format!("{}?{news}={}", Endpoint::Connections.path(), errand.slug)))
        }
        Back::Page => Ok(connected(site, errand, works)),
    }
}

/// Offers the person who failed at an errand a way on.
pub fn way_on(failure: Failure, errand: &Errand) -> Failure {
    match (&errand.back, &errand.owner) {
        (Back::Client(grant), _) => failure.way_on("Back to connecting", pending::connect_path(&errand.slug, grant)),
        (_, Owner::Subject(_)) => failure.way_on("Your connections", Endpoint::Connections.path()),
        (_, Owner::Gateway) => failure,
    }
}

fn connected<P: Platform>(site: &Site<'_, P>, errand: &Errand, works: bool) -> Reply<P::Stream> {
    let server = site.config.servers.get(errand.slug.as_str());
    let name = server.map_or(errand.slug.as_str(), |server| server.name.as_str());
    let (happened, todo, link) = match errand.owner {
        Owner::Subject(_) if !works => (
            format!("What you entered is kept. Whether {name} accepts it is not known yet: it could not be tried."),
            "Close this page, go back to your client and repeat what you asked for.",
            Some(page::Link::new("Your connections", Endpoint::Connections.path())),
        ),
        Owner::Subject(_) => (
            format!("{name} is connected with your account."),
            "Close this page, go back to your client and repeat what you asked for.",
            Some(page::Link::new("Your connections", Endpoint::Connections.path())),
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
        slug: Some(errand.slug.clone()),
        request_id: site.request_id.to_owned(),
        link,
    };
    Reply::page(StatusCode::OK, notice.render())
}
