//! Signatures of tokens that others made, verified by the platform.
//!
//! Not here: which keys a token can mean, and that nothing of it is seen before (`jose::jws`).

use crate::jose::jws::{JwsError, Signed, Unverified};
use crate::ports::{Signatures, Unavailable};

/// What a token claims, if one of its keys has signed it.
pub async fn verified<'a>(
    platform: &impl Signatures,
    token: Unverified<'a>,
) -> Result<Result<Signed<'a>, JwsError>, Unavailable> {
    let mut verified = false;
    for key in token.keys() {
        verified = platform.verify(key, token.message(), token.signature()).await?;
        if verified {
            break;
        }
    }
    Ok(token.verified(verified))
}
