//! The connection that an operator makes once for everybody who uses a server.
//!
//! Not here: the page its link leads to (`flow::connect`), using it (`flow::connection`).

use http::StatusCode;
use serde_json::json;

use super::operator;
use crate::config::Server;
use crate::flow::call::refusal;
use crate::flow::connection::store;
use crate::flow::{Answered, Head, RequestContext};
use crate::ports::Platform;
use crate::upstream::key::{ConnectionKey, FIRST_ACCOUNT, Owner};
use crate::upstream::link::{LinkReason, LinkToConnect, OPERATOR_LIFETIME};
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// `POST /admin/servers/{slug}/connection` answers with the link to connect it; `DELETE` disconnects it.
pub async fn answer<P: Platform>(context: &RequestContext<'_, P>, head: &Head, slug: &str) -> Answered<P> {
    operator::authorize(context.platform, context.memory, head).await?;
    context.record.act(if head.method == "DELETE" { "server_disconnected" } else { "connection_link_made" });
    context.record.server(slug);
    let server = context.config.servers.get(slug).ok_or_else(|| refusal::no_such_server(slug))?;
    if !server.is_connected_by_operator() {
        return Err(not_shared(server));
    }
    if head.method == "DELETE" {
        store::drop(context, &ConnectionKey::new(Owner::Gateway, slug, FIRST_ACCOUNT)).await?;
        return Ok(Reply::json(StatusCode::OK, &json!({"server": slug, "connected": false})));
    }
    let expires = context.now + OPERATOR_LIFETIME;
    let link = LinkToConnect::new(Owner::Gateway, slug, FIRST_ACCOUNT, None, LinkReason::Authenticating, expires);
    let url = context.url(&link.path(&context.keys, context.platform.random()));
    Ok(Reply::json(StatusCode::OK, &json!({"server": slug, "url": url, "expires_at": expires})))
}

fn not_shared(server: &Server) -> Failure {
    Failure::client(409, "server_not_shared", "No connection for everybody is made to this server.")
        .fix(format!("Set servers.{}.auth to {{\"kind\": \"oauth\", \"shared\": true}} for that.", server.slug))
        .slug(server.slug.as_str())
}
