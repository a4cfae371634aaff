//! The front page and each server's own: which servers there are and how to add them to a client.
//!
//! Not here: the links and commands of each client (`page`).

use http::StatusCode;

use crate::config::Server;
use crate::flow::login::session;
use crate::flow::{Answered, Head, RequestContext};
use crate::page;
use crate::ports::Platform;
use crate::web::reply::Reply;
use crate::web::route::{Endpoint, ResourceForm};

/// `GET /`. The servers are shown to who is signed in, and to everybody where [`RequestContext::shows_servers`] says
/// so.
pub async fn show<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    let signed_in = session::current(context, head).await?;
    let servers = if context.shows_servers() || signed_in.is_some() {
        Some(context.config.servers.values().map(|server| card(context, server)).collect())
    } else {
        None
    };
    let connections = signed_in.is_some().then(|| Endpoint::Connections.path().to_owned());
    let page = page::ServersPage {
        signed_in: signed_in
            .map(|signed_in| signed_in.session.identity.name.unwrap_or(signed_in.session.identity.subject)),
        servers,
        connections,
        sign_in: Endpoint::Login.path().to_owned(),
        sign_out: Endpoint::Logout.path().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok(Reply::page(StatusCode::OK, page.render()))
}

/// `GET` on a server's address, by a browser. What the server is for is said to who may see the servers; its name is in
/// its metadata, which everybody may read.
pub async fn show_server<P: Platform>(context: &RequestContext<'_, P>, head: &Head, server: &Server) -> Answered<P> {
    let mut card = card(context, server);
    if !context.shows_servers() && session::current(context, head).await?.is_none() {
        card.description = None;
    }
    // At its own host the other servers are elsewhere.
    let index = Endpoint::Index.path();
    let index = if context.host.is_some() { context.url(index) } else { index.to_owned() };
    let page = page::ServerPage { server: card, index };
    Ok(Reply::page(StatusCode::OK, page.render()))
}

fn card<P: Platform>(context: &RequestContext<'_, P>, server: &Server) -> page::ServerCard {
    page::ServerCard {
        slug: server.slug.to_string(),
        name: server.name.clone(),
        url: ResourceForm::shown(&context.origin, server).url(),
        description: server.description.clone(),
    }
}
