//! Signatures of others, verified as the runtime does it.
//!
//! Not here: who signs (`idp`, and what tests make).

use jwt_compact::alg::{Es256, Rsa};
use jwt_compact::jwk::{JsonWebKey, JwkError};
use jwt_compact::{Algorithm, AlgorithmSignature};
use mcp_edge_gateway::jose::algorithm::Algorithm as SignatureAlgorithm;
use mcp_edge_gateway::jose::jwks::VerifyingKey;
use mcp_edge_gateway::ports::{Signatures, Unavailable};

use super::platform::InMemory;

impl Signatures for InMemory {
    async fn verify(&self, key: &VerifyingKey, message: &[u8], signature: &[u8]) -> Result<bool, Unavailable> {
        let verified = match key.algorithm() {
            SignatureAlgorithm::Rs256 => verified(&Rsa::rs256(), key, message, signature),
            SignatureAlgorithm::Es256 => verified(&Es256, key, message, signature),
            other => panic!("no test signs with {}", other.as_str()),
        };
        if self.signatures_down.get() { Err(Unavailable) } else { Ok(verified) }
    }
}

fn verified<A: Algorithm>(algorithm: &A, key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool
where
    A::VerifyingKey: for<'a> TryFrom<&'a JsonWebKey<'a>, Error = JwkError>,
{
    let jwk: JsonWebKey<'_> = serde_json::from_str(&key.jwk()).unwrap();
    let Ok(key) = A::VerifyingKey::try_from(&jwk) else { return false };
    A::Signature::try_from_slice(signature).is_ok_and(|made| algorithm.verify_signature(&made, &key, message))
}
