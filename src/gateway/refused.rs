//! A refusal on its way out, in the wire format of its reader.
//!
//! Not here: what is refused, and why (`flow`), and how a failure is written (`web::failure`).

use crate::flow::Head;
use crate::mcp::message::envelope::RequestId;
use crate::page::SupportCopy;
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// A failure on its way out, in the wire format of its reader.
pub(super) enum RefusedReply {
    /// To a program.
    Json(Failure),
    /// To a person.
    Page(Failure),
    /// To an MCP client, as the answer of its request.
    Rpc(Failure, Option<RequestId>),
}

impl RefusedReply {
    /// In the form its reader shows: whoever comes with a browser gets a page of everything.
    pub(super) fn to(self, head: &Head) -> Self {
        match self {
            Self::Json(failure) if head.wants_page() => Self::Page(failure),
            other => other,
        }
    }

    /// The reply, and the failure it says. A page has what `support` makes of it.
    pub(super) fn render<S>(
        self,
        request_id: &str,
        support: impl FnOnce(&Failure) -> SupportCopy,
    ) -> (Reply<S>, Option<Failure>) {
        match self {
            Self::Json(failure) => (failure.as_json(request_id), Some(failure)),
            Self::Page(failure) => (failure.as_page(request_id, Some(support(&failure))), Some(failure)),
            Self::Rpc(failure, id) => (failure.as_rpc(id.as_ref(), request_id), Some(failure)),
        }
    }
}

/// What an address without an endpoint answers.
pub(super) fn unknown_endpoint() -> Failure {
    Failure::client(404, "no_such_endpoint", "There is nothing here.")
        .fix("MCP servers are at /v1/mcp/{slug} or their own path; the page at / lists them.")
}
