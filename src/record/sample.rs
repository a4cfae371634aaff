//! What is counted of a request.
//!
//! Not here: counting (`metrics`), and who is told of it (`flow::metrics`).

use super::{End, RequestRecord, client};
use crate::metrics::{Sample, SampleNames};

impl RequestRecord {
    /// What is counted of it. Whose it is counts where they were authenticated; only then do the names count that it
    /// has.
    pub fn sampled<T>(&self, end: &End<'_>, subject: Option<&str>, count: impl FnOnce(&Sample<'_>) -> T) -> T {
        let facts = self.facts.borrow();
        let caller = facts.caller.as_deref();
        let named = subject.map(|subject| SampleNames {
            subject,
            client: client(&facts),
            server: end.called,
            tool: facts.tool.as_deref().filter(|_| caller.is_some()),
        });
        count(&Sample {
            route: end.route,
            status: end.status,
            reason: end.reason,
            blame: end.blame,
            named,
            duration: end.at - self.began,
            upstream: facts.upstream_time,
        })
    }
}
