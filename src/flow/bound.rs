//! Whose word a subject's id is: the issuer behind its alias, recorded with the first of what it signed. An alias that
//! is given to another issuer must not give that one's people the accounts of the first one's.
//!
//! Not here: what an account remembers (`oauth::subject`).

use super::RequestContext;
use crate::oauth::subject;
use crate::ports::{Platform, Unavailable};
use crate::time::Lifetime;
use crate::web::failure::{Blame, Failure};

/// How long an isolate goes by what it knows.
const REMEMBERED: Lifetime = Lifetime::hours(1);

/// Refuses a subject of another issuer.
pub async fn require<P: Platform>(context: &RequestContext<'_, P>, subject: &str, issuer: &str) -> Result<(), Failure> {
    let known = format!("{subject}\n{issuer}");
    if context.memory.bound_subjects.get(&known, context.now).is_some() {
        return Ok(());
    }
    let command = subject::Command::Bind { issuer: issuer.to_owned(), at: context.now };
    match context.platform.account(subject, command).await.map_err(|Unavailable| Failure::storage())? {
        subject::Outcome::Noted => {
            context.memory.bound_subjects.put(known, (), context.now + REMEMBERED, context.now);
            Ok(())
        }
        _ => Err(other()),
    }
}

fn other() -> Failure {
    let message = "This subject is known here from another issuer that had the same alias.";
    Failure::new(Blame::Operator, 503, "issuer_alias_changed", message).fix(
        "The operator must give the new issuer an alias of its own, or end everything of the subject: DELETE \
         /admin/subjects/{id}.",
    )
}
