//! How much a server is asked by this isolate: no more calls at once than the configuration says, and none while it
//! fails.
//!
//! Not here: when it is left alone and tried again (`upstream::circuit`), whose turn it is (`upstream::callers`), and
//! how often it may be called (`flow::call::rate`).

use std::rc::Rc;

use serde_json::json;

use super::context::Call;
use crate::caller::Caller;
use crate::headers::{HeaderValue, RETRY_AFTER};
use crate::memory::ServerLoad;
use crate::ports::Platform;
use crate::time::{Lifetime, Millis, Timestamp};
use crate::upstream::callers::NoPlace;
use crate::upstream::circuit::{Admitted, CallEnd, CircuitChange};
use crate::web::failure::{Blame, Failure};

/// How long a call waits for another to end, and how often it looks.
const PAUSE: Millis = Millis(50);
const LOOKS: u32 = 20;
/// How long an isolate remembers what it knows of a server that is not called.
const REMEMBERED: Lifetime = Lifetime::days(1);
/// Reasons that say that the server failed; an error of its own counts where its status says so too.
const FAILED: &[&str] = &[UNREACHABLE, "upstream_timeout"];
const UNREACHABLE: &str = "upstream_unreachable";

/// A call that is under way: it counts until this is dropped.
pub struct UnderWay {
    load: Rc<ServerLoad>,
    admitted: Admitted,
    caller: Rc<Caller>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let under_way = &self.load.under_way;
        under_way.set(under_way.get().saturating_sub(1));
        self.load.callers.borrow_mut().ends(self.caller.responsible());
    }
}

impl<P: Platform> Call<'_, P> {
    /// Begins a call, unless the server is left alone or has enough to do.
    pub async fn begin(&self) -> Result<UnderWay, Failure> {
        let context = self.context;
        let (url, now, who) = (self.server.url.as_str(), context.now, self.caller.responsible());
        let load = context.memory.loads.get(url, now).unwrap_or_else(|| {
            let load = Rc::<ServerLoad>::default();
            context.memory.loads.put(url, Rc::clone(&load), now + REMEMBERED, now);
            load
        });
        if let Some(most) = self.server.limits.concurrent {
            let place = |now| load.callers.borrow_mut().place(who, most, load.under_way.get(), now);
            let mut looks = 0;
            while let Err(none) = place(context.platform.moment()) {
                if looks == LOOKS {
                    return Err(self.without_place(none, most));
                }
                looks += 1;
                context.platform.pause(PAUSE).await;
            }
        }
        let now = context.platform.moment();
        let admitted = load.circuit.borrow_mut().admit(now, self.server.timeout);
        let admitted = admitted.map_err(|again| self.left_alone(again.remaining(now).max(Lifetime(1))))?;
        load.under_way.set(load.under_way.get() + 1);
        load.callers.borrow_mut().begins(who, now);
        Ok(UnderWay { load, admitted, caller: Rc::clone(self.caller) })
    }

    /// Notes what a call came to. That the server is left alone from now on, or no longer, is a line in the log.
    pub fn finish(&self, call: &UnderWay, failure: Option<&Failure>) {
        let now = self.context.platform.moment();
        let end = self.counted(&call.load, failure, now);
        let change = call.load.circuit.borrow_mut().ended(call.admitted, end, now);
        let slug = self.server.slug.as_str();
        let line = match change {
            None => return,
            Some(CircuitChange::Opened(until)) => {
                let reason = failure.map(|failure| failure.reason);
                json!({"event": "circuit_opened", "server": slug, "again_at": until, "reason": reason})
            }
            Some(CircuitChange::Closed) => json!({"event": "circuit_closed", "server": slug}),
        };
        self.context.platform.record(&line.to_string());
    }

    /// What a call says of the server. That it cannot be reached says the same whoever calls; what a call can bring
    /// about counts a few times in a row of each caller, and while few others are answered.
    fn counted(&self, load: &ServerLoad, failure: Option<&Failure>, now: Timestamp) -> CallEnd {
        let (end, who, mut callers) = (self.came_to(failure), self.caller.responsible(), load.callers.borrow_mut());
        match end {
            CallEnd::Answered => callers.answered(who, now),
            CallEnd::Failed if failure.is_some_and(|failure| failure.reason == UNREACHABLE) => {}
            CallEnd::Failed if !callers.failed(who, now) => return CallEnd::Unknown,
            CallEnd::Failed | CallEnd::Unknown => {}
        }
        end
    }

    /// What a caller caused does not count: a refusal is an answer, and one that left waited for none.
    fn came_to(&self, failure: Option<&Failure>) -> CallEnd {
        let status = self.context.record.upstream_status();
        match failure {
            None => CallEnd::Answered,
            Some(failure) if FAILED.contains(&failure.reason) => CallEnd::Failed,
            Some(failure) if failure.reason == "upstream_error" && status.is_some_and(|status| status >= 500) => {
                CallEnd::Failed
            }
            Some(_) if status.is_some() => CallEnd::Answered,
            Some(_) => CallEnd::Unknown,
        }
    }

    fn without_place(&self, none: NoPlace, most: u16) -> Failure {
        let name = &self.server.name;
        if let NoPlace::OwnShare(share) = none {
            let message = format!("{name} has {share} calls of yours to answer here. The other places are for others.");
            return Failure::client(429, "server_share_taken", message)
                .fix("Nothing was sent to the server. Send it again when another call of yours has been answered.")
                .slug(self.server.slug.as_str())
                .header(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        let message = format!("{name} has {most} calls to answer here, as many as the operator allows.");
        Failure::new(Blame::Gateway, 503, "server_busy", message)
            .fix("Nothing was sent to the server. Send it again in a moment.")
            .slug(self.server.slug.as_str())
            .header(RETRY_AFTER, HeaderValue::from_static("1"))
    }

    fn left_alone(&self, wait: Lifetime) -> Failure {
        let (name, seconds) = (&self.server.name, wait.0);
        let message = format!("{name} has failed several times in a row and is tried again in {seconds} seconds.");
        Failure::new(Blame::Upstream, 503, "server_left_alone", message)
            .fix("Nothing was sent to the server. Send it again then; if it stays, the operator must check the server.")
            .slug(self.server.slug.as_str())
            .header(RETRY_AFTER, HeaderValue::from(seconds))
    }
}
