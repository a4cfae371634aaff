//! `GET /admin/deployment?nonce=…`: proves to whoever deployed this gateway that it is theirs, so that they may send
//! their token to it.
//!
//! Not here: the proof (`vault::deployment`). Anybody may ask: it is worth something only to who knows the deployment's
//! key.

use http::StatusCode;
use serde_json::json;

use crate::flow::{Answered, Head};
use crate::ports::Platform;
use crate::vault::deployment;
use crate::web::failure::Failure;
use crate::web::origin;
use crate::web::reply::Reply;

/// The answer. Of the origin that the request itself names and no header can: else whoever passes the question on, in a
/// place that was taken for this gateway, would get the proof for that place.
pub fn prove<P: Platform>(platform: &P, head: &Head) -> Answered<P> {
    let Some(key) = platform.secret("DEPLOYMENT_KEY") else {
        return Err(Failure::client(404, "no_such_endpoint", "There is nothing here."));
    };
    let nonce = head.query().strip_prefix("nonce=").unwrap_or_default();
    let origin = origin::claimed(&head.url);
    let proof = origin.and_then(|origin| deployment::proof(&key, origin.as_str(), nonce));
    let proof = proof.ok_or_else(|| {
        Failure::client(400, "deployment_nonce_malformed", "There is a proof for a nonce of 256 bits only.")
            .fix("Send nonce= and 32 random bytes in base64url; scripts/deploy does so by itself.")
    })?;
    Ok(Reply::json(StatusCode::OK, &json!({"proof": proof})))
}
