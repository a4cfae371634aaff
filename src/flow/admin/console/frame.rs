//! What every page of the console begins with: whether an operator is here, and what surrounds the page.
//!
//! Not here: who is an operator (`flow::admin::operator`).

use super::form;
use crate::flow::admin::operator;
use crate::flow::login::session::SignedIn;
use crate::flow::{Answered, Head, RequestContext, login};
use crate::page::{ConsoleFrame, ConsoleTab};
use crate::ports::Platform;
use crate::web::route::Endpoint;

/// The pages, in the order in which they are shown.
pub(super) const TABS: [(&str, Endpoint); 6] = [
    ("Overview", Endpoint::Admin),
    ("Servers", Endpoint::AdminServers),
    ("People", Endpoint::AdminPeople),
    ("Clients", Endpoint::AdminClients),
    ("Log", Endpoint::AdminLog),
    ("Configuration", Endpoint::AdminConfig),
];

/// The operator at the browser, or the way to the login and back.
pub(super) async fn enter<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Result<SignedIn, Answered<P>> {
    match operator::signed_in(context, head).await {
        Ok(Some(signed_in)) => Ok(signed_in),
        Ok(None) => {
            let query = Some(head.query()).filter(|query| !query.is_empty()).map(|query| format!("?{query}"));
            let back = format!("{}{}", head.url.path(), query.unwrap_or_default());
            Err(login::begin(context, head, &back).await)
        }
        Err(failure) => Err(Err(failure)),
    }
}

/// What surrounds a page.
pub(super) fn frame<P: Platform>(
    context: &RequestContext<'_, P>,
    signed_in: &SignedIn,
    endpoint: Endpoint,
    news: Option<String>,
) -> ConsoleFrame {
    let identity = &signed_in.session.identity;
    let tab = |(label, tab): (&'static str, Endpoint)| ConsoleTab { label, path: tab.path(), current: tab == endpoint };
    ConsoleFrame {
        signed_in: identity.name.clone().unwrap_or_else(|| identity.subject.clone()),
        sign_out: Endpoint::Logout.path().to_owned(),
        tabs: TABS.into_iter().map(tab).collect(),
        news,
        form: form::token(context, signed_in, None),
        action: endpoint.path().to_owned(),
        request_id: context.request_id().to_owned(),
    }
}
