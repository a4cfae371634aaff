//! Taking an id that is good exactly once on earth. Where that cannot be made sure of, it is refused.
//!
//! Not here: which ids (`oauth::once`), and what was verified before.

use super::RequestContext;
use crate::oauth::once::{OnceId, Outcome};
use crate::ports::{Platform, Unavailable};
use crate::time::Timestamp;
use crate::web::failure::Failure;

/// Whether this was the first time. `until` is when it is good no more, whoever brings it.
pub async fn burn<P: Platform>(
    context: &RequestContext<'_, P>,
    id: &OnceId,
    until: Timestamp,
) -> Result<bool, Failure> {
    match context.platform.once(id, until).await {
        Ok(Outcome::Burned) => Ok(true),
        Ok(Outcome::Used) => Ok(false),
        Ok(Outcome::Full) | Err(Unavailable) => Err(Failure::storage()),
    }
}
