//! What cannot be undone is asked about once more: the answer to the first form is a page with a second one, whose
//! token holds what it is for, so that nothing is done but what was shown.
//!
//! Not here: doing it.

use http::StatusCode;

use super::form::Act;
use super::{form, frame};
use crate::flow::RequestContext;
use crate::flow::login::session::SignedIn;
use crate::page;
use crate::ports::Platform;
use crate::web::reply::Reply;
use crate::web::route::Endpoint;

/// What is asked before it is done.
pub(super) struct Confirmation {
    pub(super) endpoint: Endpoint,
    pub(super) act: Act,
    pub(super) title: String,
    /// What becomes of it.
    pub(super) consequence: String,
    /// What the button says.
    pub(super) yes: &'static str,
    /// Where "Cancel" leads.
    pub(super) back: String,
    pub(super) facts: Vec<(&'static str, String)>,
}

/// The page that asks once more.
pub(super) fn ask<P: Platform>(
    context: &RequestContext<'_, P>,
    signed_in: &SignedIn,
    asked: Confirmation,
) -> Reply<P::Stream> {
    let Confirmation { endpoint, act, title, consequence, yes, back, facts } = asked;
    let mut frame = frame::frame(context, signed_in, endpoint, None);
    frame.form = form::token(context, signed_in, Some(act));
    let page = page::ConfirmPage { frame, title, consequence, facts, yes, back };
    Reply::page(StatusCode::OK, page.render())
}
