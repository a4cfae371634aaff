//! Forms are posted by pages of the gateway's own, and by no others.
//!
//! Not here: what a form carries.

use super::failure::Failure;
use crate::flow::{Head, RequestContext};

/// A form may only be posted by a page of ours. Browsers say where a post comes from in these headers, and pages cannot
/// forge them.
pub fn require_own_page<P>(context: &RequestContext<'_, P>, head: &Head) -> Result<(), Failure> {
    let foreign_origin = head.header("origin").is_some_and(|origin| origin != context.origin.as_str());
    let foreign_site = head.header("sec-fetch-site").is_some_and(|from| from != "same-origin");
    if foreign_origin || foreign_site {
        return Err(Failure::client(403, "form_from_elsewhere", "This form was posted from another site.")
            .fix("Start again from your client, and answer on the gateway's own page."));
    }
    Ok(())
}
