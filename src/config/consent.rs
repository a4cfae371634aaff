//! The consent policy, toward clients of which the operator knows nothing.
//!
//! Not here: whether a person consented before (`crate::oauth`).

use super::ConsentPolicy;

impl ConsentPolicy {
    /// The policy for a client that nobody vouches for: its person is asked about it at least once, whatever the operator wrote.
    /// With `never`, a link to a client that a stranger registered would hand that stranger the access of whoever is signed in
    /// (MCP security best practices, "Confused Deputy Problem").
    #[must_use]
    pub fn for_strangers(self) -> Self {
        match self {
            Self::Never => Self::Once,
            Self::Once | Self::Always => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_policy_lets_a_client_in_that_nobody_vouches_for() {
        use ConsentPolicy::{Always, Never, Once};
        assert_eq!([Never, Once, Always].map(ConsentPolicy::for_strangers), [Once, Once, Always]);
    }
}
