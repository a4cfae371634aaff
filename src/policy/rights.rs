//! What a caller has, by which policy decides.
//!
//! Not here: where it comes from: scopes from the grant, roles and claims from the sign-in.

use super::claims::ClaimValues;
use crate::oauth::scope::ScopeSet;

/// What a caller has.
#[derive(Debug, Clone, Copy)]
pub struct Rights<'a> {
    /// The scopes as they were granted; what they imply follows.
    pub scopes: &'a ScopeSet,
    /// The roles.
    pub roles: &'a [String],
    /// The claims that rules ask for.
    pub claims: &'a ClaimValues,
}
