//! The front page: which servers there are and how to add each to a client.
//!
//! Not here: the links and commands of each client (`page`).

use http::StatusCode;

use super::{Answered, Head, Site, session};
use crate::config::Server;
use crate::page;
use crate::ports::Platform;
use crate::reply::Reply;
use crate::route::{self, Endpoint};

/// `GET /`. The servers are shown to who is signed in, and to everybody where [`Site::shows_servers`] says so.
pub async fn show<P: Platform>(site: &Site<'_, P>, head: &Head) -> Answered<P> {
    let signed_in = session::current(site, head).await?;
    let servers = if site.shows_servers() || signed_in.is_some() {
        let origin = site.origin.as_str();
        let card = |server: &Server| page::ServerCard {
            slug: server.slug.to_string(),
            name: server.name.clone(),
            url: route::resource_url(origin, server),
            description: server.description.clone(),
        };
        Some(site.config.servers.values().map(card).collect())
    } else {
        None
    };
    let connections = signed_in.is_some().then(|| Endpoint::Connections.path().to_owned());
    let page = page::Servers {
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
