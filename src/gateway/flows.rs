//! The one flow that answers a request, by its route.
//!
//! Not here: the route itself (`web::route`), and what is answered without a configuration (`gateway`).

use http::StatusCode;
use serde_json::json;

use super::refused::{RefusedReply, unknown_endpoint};
use crate::flow::account::{connections, index, own_request};
use crate::flow::admin::{check, console, shared_connection, subject};
use crate::flow::authorize::consent;
use crate::flow::call::{Refusal, refusal};
use crate::flow::client::register;
use crate::flow::connect::callback;
use crate::flow::token::revoke;
use crate::flow::{
    Head, RequestContext, admin, allowance, authorize, boxed, call, connect, discover, introspect, login, logout, token,
};
use crate::ports::Platform;
use crate::web::cors;
use crate::web::reply::Reply;
use crate::web::route::{Endpoint, Route};

/// Answers a request at a route, in the surroundings that every flow needs.
pub(super) async fn answer<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    route: &Route<'_>,
    body: P::Stream,
) -> Result<Reply<P::Stream>, RefusedReply> {
    let json = RefusedReply::Json;
    if !matches!(route, Route::Mcp(_)) {
        let refused = if route.is_page() { RefusedReply::Page } else { json };
        boxed(allowance::require(context, head, route)).await.map_err(refused)?;
    }
    match route {
        Route::Mcp(server) => {
            cors::require_allowed(context, head).map_err(json)?;
            match head.method.as_str() {
                "POST" => {}
                "DELETE" => return boxed(call::delete(context, head, server)).await.map_err(json),
                _ if head.wants_page() => {
                    return boxed(index::show_server(context, head, server)).await.map_err(json);
                }
                _ => return Err(json(refusal::method_not_allowed(context, server))),
            }
            call::post(context, head, server, body).await.map_err(|refusal| match refusal {
                Refusal::Plain(failure) => json(failure),
                Refusal::Rpc(failure, id) => RefusedReply::Rpc(failure, id),
            })
        }
        Route::Connect(slug) if head.method == "POST" => {
            boxed(connect::answer(context, head, slug, body)).await.map_err(RefusedReply::Page)
        }
        Route::Connect(slug) => boxed(connect::show(context, head, slug)).await.map_err(RefusedReply::Page),
        Route::IssuerCallback => boxed(callback::answer(context, head)).await.map_err(RefusedReply::Page),
        Route::IssuerClientMetadata(issuer) => Ok(discover::client_metadata_for(context, head.url.path(), issuer)),
        Route::SharedConnection(slug) => boxed(shared_connection::answer(context, head, slug)).await.map_err(json),
        Route::ServerCheck(slug) => boxed(check::answer(context, head, slug)).await.map_err(json),
        Route::Subject(subject) => boxed(subject::revoke(context, head, subject)).await.map_err(json),
        Route::NoSuchServer(slug) => Err(json(refusal::no_such_server(slug))),
        Route::NoSlug => Err(json(refusal::slug_missing(context))),
        Route::TrailingSlash(bare) => Err(json(refusal::trailing_slash(context, bare))),
        Route::ProtectedResource(server) => discover::protected_resource(context, server).map_err(json),
        Route::ProtectedResourceRoot => discover::protected_resource_root(context).map_err(json),
        Route::AuthorizationServer => discover::authorization_server(context).map_err(json),
        Route::OpenIdConfiguration => discover::openid_configuration(context).map_err(json),
        Route::HostFront(server) => boxed(index::show_server(context, head, server)).await.map_err(RefusedReply::Page),
        Route::NotAtHost(path) => Err(json(refusal::not_at_host(context, path))),
        Route::Unknown => Err(json(unknown_endpoint())),
        Route::Endpoint(endpoint) => boxed(one_endpoint(*endpoint, context, head, body)).await,
    }
}

async fn one_endpoint<P: Platform>(
    endpoint: Endpoint,
    context: &RequestContext<'_, P>,
    head: &Head,
    body: P::Stream,
) -> Result<Reply<P::Stream>, RefusedReply> {
    match endpoint {
        Endpoint::Index => boxed(index::show(context, head)).await.map_err(RefusedReply::Page),
        Endpoint::Authorize => boxed(authorize::authorize(context, head)).await.map_err(RefusedReply::Page),
        Endpoint::Consent => boxed(consent::answer(context, head, body)).await.map_err(RefusedReply::Page),
        Endpoint::Token => boxed(token::token(context, head, body)).await.map_err(RefusedReply::Json),
        Endpoint::Register => boxed(register::register(context, head, body)).await.map_err(RefusedReply::Json),
        Endpoint::Revoke => boxed(revoke::revoke(context, head, body)).await.map_err(RefusedReply::Json),
        Endpoint::Introspect => boxed(introspect::introspect(context, head, body)).await.map_err(RefusedReply::Json),
        Endpoint::BackchannelLogout => {
            boxed(logout::backchannel(context, head, body)).await.map_err(RefusedReply::Json)
        }
        Endpoint::Jwks => Ok(Reply::json(StatusCode::OK, &json!({"keys": []}))),
        Endpoint::UpstreamCallback => boxed(callback::answer(context, head)).await.map_err(RefusedReply::Page),
        Endpoint::ClientMetadata => Ok(discover::client_metadata(context)),
        Endpoint::Connections if head.method == "POST" => {
            boxed(connections::answer(context, head, body)).await.map_err(RefusedReply::Page)
        }
        Endpoint::Connections => boxed(connections::show(context, head)).await.map_err(RefusedReply::Page),
        Endpoint::OwnRequest => boxed(own_request::show(context, head)).await.map_err(RefusedReply::Page),
        Endpoint::Login => boxed(login::show(context, head)).await.map_err(RefusedReply::Page),
        Endpoint::LoginCallback => boxed(login::callback(context, head, body)).await.map_err(RefusedReply::Page),
        Endpoint::LoginComplete => {
            boxed(login::own_page::complete(context, head, body)).await.map_err(RefusedReply::Json)
        }
        Endpoint::Logout if head.method != "POST" => Ok(login::sign_out_page::<P>(head)),
        Endpoint::Logout => boxed(login::logout(context, head)).await.map_err(RefusedReply::Page),
        // Answered before a configuration is needed.
        Endpoint::Healthz | Endpoint::Status | Endpoint::Deployment => Err(RefusedReply::Json(unknown_endpoint())),
        operators => {
            let refused = if console::is_for(head) { RefusedReply::Page } else { RefusedReply::Json };
            boxed(admin::answer(context, operators, head, body)).await.map_err(refused)
        }
    }
}
