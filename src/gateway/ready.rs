//! Answers that are the same for everybody who asks the same: the challenge without a token, metadata and preflights.
//! The edge gives them again without asking, for as long as the configuration they come from would not be looked at.
//!
//! Every decision stays here: an answer is ready only once it was given, to a request whose deciding headers were the
//! same, in value, and that had none of those that exclude. Not here: keeping them (`edge/ready.js`).

use super::Gateway;
use crate::config::LogLevel;
use crate::flow::Head;
use crate::metrics::Repeated;
use crate::ports::Platform;
use crate::record::{End, RequestRecord};
use crate::time::Timestamp;
use crate::web::failure::Failure;
use crate::web::reply::{Ready, Reply};
use crate::web::route::Route;

/// Headers whose values these answers are made by, beside the method and the URL.
pub const DECIDING: [&str; 6] =
    ["accept", "access-control-request-headers", "cf-visitor", "origin", "x-forwarded-host", "x-forwarded-proto"];
/// Headers with which a request is somebody's, or part of a trace: each is answered by itself.
pub const EXCLUDING: [&str; 7] =
    ["authorization", "baggage", "cookie", "dpop", "traceparent", "tracestate", "x-api-key"];
/// Different counts of such answers.
const MOST: usize = 64;

impl<P: Platform> Gateway<'_, P> {
    /// What it takes to give an answer again, where it is one of those.
    pub(super) fn ready(
        &self,
        head: &Head,
        route: &Route<'_>,
        reply: &Reply<P::Stream>,
        refusal: Option<&Failure>,
        end: &End<'_>,
        record: &RequestRecord,
    ) -> Option<Ready> {
        let same_for_all = match (head.method.as_str(), route, reply.status().as_u16()) {
            ("POST", Route::Mcp(_), 401) => refusal.is_some_and(|refusal| refusal.reason == "token_missing"),
            ("OPTIONS", _, 204) => refusal.is_none(),
            (
                "GET",
                Route::ProtectedResource(_)
                | Route::ProtectedResourceRoot
                | Route::AuthorizationServer
                | Route::OpenIdConfiguration,
                200,
            ) => true,
            _ => false,
        };
        // What took time, or is logged step by step, is not as quick the next time.
        let is_plain = end.at == record.began() && !EXCLUDING.iter().any(|name| head.headers.contains_key(*name));
        if !same_for_all || !is_plain {
            return None;
        }
        let loaded = self.memory.config.borrow();
        let loaded = loaded.as_ref().filter(|loaded| loaded.config.log_level != LogLevel::Debug)?;
        let (status, reason, blame) = (end.status, refusal.map(|refusal| refusal.reason), end.blame);
        Some(Ready {
            until: loaded.fresh_until,
            id: record.id().to_owned(),
            span: record.span().to_string(),
            began: record.began(),
            line: record.line(end, loaded.config.logged_calls, None, None),
            counted: self.counted(Repeated { route: end.route, status, reason, blame })?,
        })
    }

    /// Counts answers that were given again: so many, the last of them then, by what stands for them.
    pub fn repeated(&self, counted: usize, times: u32, at: Timestamp) {
        let Some(repeated) = self.memory.repeated.borrow().get(counted).copied() else { return };
        let sample = repeated.sample();
        for _ in 0..times {
            self.platform.observe(&sample);
            if self.memory.counters.count(&sample, at, || self.platform.random()) {
                self.memory.unsettled.set(true);
            }
        }
    }

    fn counted(&self, repeated: Repeated) -> Option<usize> {
        let mut known = self.memory.repeated.borrow_mut();
        if let Some(number) = known.iter().position(|other| *other == repeated) {
            return Some(number);
        }
        let number = known.len();
        (number < MOST).then(|| {
            known.push(repeated);
            number
        })
    }
}
