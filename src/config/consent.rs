//! The consent policy, toward each kind of client.
//!
//! Not here: whether a person consented before (`crate::oauth`).

use super::ConsentPolicy;

/// What matters of a client that wants a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    /// Somebody vouches for it: the operator set it up, or nobody is at risk because this is development.
    pub trusted: bool,
    /// It proves itself where it redeems the code.
    pub authenticates: bool,
    /// The gateway runs on the person's own machine.
    pub on_loopback: bool,
}

/// What a person is asked before a client gets its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Nothing: there is no page.
    Nothing,
    /// Whether to go on to the client, which may have the access already.
    GoOn,
    /// Whether the client may have the access.
    Allow,
}

impl ConsentPolicy {
    /// The policy for a client: the person is asked about one that nobody vouches for at least once, whatever the
    /// operator wrote. With `never`, a link to a client that a stranger registered would hand that stranger the access
    /// of whoever is signed in (MCP security best practices, "Confused Deputy Problem").
    #[must_use]
    pub fn toward(self, asker: Asker) -> Self {
        match self {
            Self::Never if !asker.trusted => Self::Once,
            policy => policy,
        }
    }

    /// What to ask under this policy [toward](Self::toward) a client, if `given` says whether consent is there already.
    ///
    /// Consent that is there goes out without a page only to a client that authenticates. Any site can send a person's
    /// browser here with another client's request, its own authorization server in the middle: the client then carries
    /// code and verifier there, and no header tells that request from the client's own. What the thief lacks is the
    /// client's secret, or the person's click.
    pub fn question(self, asker: Asker, given: bool) -> Question {
        match self {
            _ if !given => Question::Allow,
            Self::Never if asker.on_loopback => Question::Nothing,
            _ if asker.authenticates => Question::Nothing,
            _ => Question::GoOn,
        }
    }
}

#[cfg(test)]
mod tests {
    use ConsentPolicy::{Always, Never, Once};

    use super::*;

    const STRANGER: Asker = Asker { trusted: false, authenticates: false, on_loopback: false };

    #[test]
    fn no_policy_lets_a_client_in_that_nobody_vouches_for() {
        assert_eq!([Never, Once, Always].map(|policy| policy.toward(STRANGER)), [Once, Once, Always]);
        let ours = Asker { trusted: true, ..STRANGER };
        assert_eq!([Never, Once, Always].map(|policy| policy.toward(ours)), [Never, Once, Always]);
    }

    #[test]
    fn what_is_not_given_is_asked_for() {
        let best = Asker { trusted: true, authenticates: true, on_loopback: true };
        for policy in [Never, Once, Always] {
            assert_eq!([best, STRANGER].map(|asker| policy.question(asker, false)), [Question::Allow; 2]);
        }
    }

    #[test]
    fn what_is_given_goes_out_unseen_only_to_clients_that_authenticate() {
        let secretive = Asker { authenticates: true, ..STRANGER };
        let local = Asker { trusted: true, on_loopback: true, ..STRANGER };
        for (policy, asker, question) in [
            (Once, STRANGER, Question::GoOn),
            (Once, secretive, Question::Nothing),
            (Once, local, Question::GoOn),
            (Never, Asker { trusted: true, ..STRANGER }, Question::GoOn),
            (Never, Asker { trusted: true, ..secretive }, Question::Nothing),
            (Never, local, Question::Nothing),
        ] {
            assert_eq!(policy.question(asker, true), question, "{policy:?} {asker:?}");
        }
    }
}
