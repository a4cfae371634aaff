//! The console's first page.
//!
//! Not here: what is looked at (`flow::admin::status`).

use http::StatusCode;
use serde_json::json;

use super::frame::{enter, frame};
use super::traffic::traffic;
use crate::flow::admin::{operator, status};
use crate::flow::{Answered, Head, RequestContext};
use crate::page;
use crate::ports::Platform;
use crate::web::reply::Reply;
use crate::web::route::Endpoint;

/// `GET /admin`.
pub async fn show<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    let signed_in = match enter(context, head).await {
        Ok(signed_in) => signed_in,
        Err(elsewhere) => return elsewhere,
    };
    let (checks, warnings) = status::findings(context, head).await;
    let traffic = traffic(context, head.query()).await;
    let page = page::OverviewPage {
        frame: frame(context, &signed_in, Endpoint::Admin, None),
        version: env!("CARGO_PKG_VERSION"),
        configuration: context.memory.config.borrow().as_ref().map(|loaded| loaded.version),
        public_origin: context.origin.as_str().to_owned(),
        traffic,
        checks,
        warnings,
    };
    Ok(Reply::page(StatusCode::OK, page.render()))
}

/// `GET /admin` as JSON: where everything else is.
pub async fn tell<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    operator::reads(context, head).await?;
    let told = json!({
        "gateway_version": env!("CARGO_PKG_VERSION"),
        "configuration_version": context.memory.config.borrow().as_ref().map(|loaded| loaded.version),
        "pages": super::frame::TABS.map(|(_, endpoint)| context.url(endpoint.path())),
        "status": context.url(Endpoint::Status.path()),
    });
    Ok(Reply::json(StatusCode::OK, &told))
}
