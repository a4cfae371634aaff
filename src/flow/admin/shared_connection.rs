//! The connection that an operator makes once for everybody who uses a server.
//!
//! Not here: the page its link leads to (`flow::connect`), using it (`flow::connection`).

use http::StatusCode;
use serde_json::json;

use super::operator::Operator;
use super::{acts, operator};
use crate::config::Server;
use crate::flow::call::refusal;
use crate::flow::connection::store;
use crate::flow::{Answered, Head, RequestContext};
use crate::ports::Platform;
use crate::time::Timestamp;
use crate::upstream::key::{ConnectionKey, FIRST_ACCOUNT, Owner};
use crate::upstream::link::{LinkReason, LinkToConnect, OPERATOR_LIFETIME};
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// `POST /admin/servers/{slug}/connection` answers with the link to connect it; `DELETE` disconnects it.
pub async fn answer<P: Platform>(context: &RequestContext<'_, P>, head: &Head, slug: &str) -> Answered<P> {
    let operator = operator::authorize(context.platform, context.memory, head).await?;
    context.record.act(if head.method == "DELETE" { "disconnect_shared" } else { "link_to_connect" });
    context.record.server(slug);
    if head.method == "DELETE" {
        disconnect(context, &operator, slug).await?;
        return Ok(Reply::json(StatusCode::OK, &json!({"server": slug, "connected": false})));
    }
    let (path, expires) = link(context, &operator, slug)?;
    Ok(Reply::json(StatusCode::OK, &json!({"server": slug, "url": context.url(&path), "expires_at": expires})))
}

/// The path of a link to connect a server for everybody, and until when it is good.
pub fn link<P: Platform>(
    context: &RequestContext<'_, P>,
    operator: &Operator,
    slug: &str,
) -> Result<(String, Timestamp), Failure> {
    require_shared(context, slug)?;
    let expires = context.now + OPERATOR_LIFETIME;
    let link = LinkToConnect::new(Owner::Gateway, slug, FIRST_ACCOUNT, None, LinkReason::Authenticating, expires);
    acts::note(context.platform, context.record, operator, "link_to_connect", json!({"server": slug}));
    Ok((link.path(&context.keys, context.platform.random()), expires))
}

/// Disconnects a server for everybody.
pub async fn disconnect<P: Platform>(
    context: &RequestContext<'_, P>,
    operator: &Operator,
    slug: &str,
) -> Result<(), Failure> {
    require_shared(context, slug)?;
    store::drop(context, &ConnectionKey::new(Owner::Gateway, slug, FIRST_ACCOUNT)).await?;
    acts::note(context.platform, context.record, operator, "disconnect_shared", json!({"server": slug}));
    Ok(())
}

fn require_shared<P>(context: &RequestContext<'_, P>, slug: &str) -> Result<(), Failure> {
    let server = context.config.servers.get(slug).ok_or_else(|| refusal::no_such_server(slug))?;
    if server.is_connected_by_operator() { Ok(()) } else { Err(not_shared(server)) }
}

fn not_shared(server: &Server) -> Failure {
    Failure::client(409, "server_not_shared", "No connection for everybody is made to this server.")
        .fix(format!("Set servers.{}.auth to {{\"kind\": \"oauth\", \"shared\": true}} for that.", server.slug))
        .slug(server.slug.as_str())
}
