//! What a page is headed with, and where its reader may go on: one line for each family of reasons.
//!
//! Not here: what happened and what to do about it. The failure itself says both.

use super::blame::Blame;

/// What the failures of one family have in common on a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Family {
    /// What happened, in a few words.
    pub(super) title: &'static str,
    /// The way on for most of its readers.
    pub(super) way_on: WayOn,
}

/// A label and a path of the gateway, if there is a way on.
type WayOn = Option<(&'static str, &'static str)>;

const SERVERS: WayOn = Some(("See the servers", "/"));
const CONNECTIONS: WayOn = Some(("See your connections", "/connections"));
const SIGN_IN: WayOn = Some(("Sign in again", "/login"));

/// How reasons begin, or what they are; the first that fits counts. Where the client has to begin again there is no way
/// on.
const FAMILIES: &[(&str, &str, WayOn)] = &[
    ("no_pending_authorization", "No pending authorization", None),
    ("no_connection_pending", "No connection is pending", CONNECTIONS),
    ("no_such_endpoint", "There is no such page", SERVERS),
    ("not_at_this_host", "This is one server’s address", None),
    ("no_such_server", "There is no such server", SERVERS),
    ("slug_missing", "Which server?", SERVERS),
    ("trailing_slash", "One slash too many", None),
    ("method_not_allowed", "This is not a page", SERVERS),
    ("host_not_allowed", "This is not the gateway’s address", None),
    ("https_required", "This address is https only", None),
    ("redirect_uri_unregistered", "This redirect URI is not registered", None),
    ("redirect_uri", "The client cannot be answered", None),
    ("client_unknown", "This client is not known here", None),
    ("client_document", "The client’s metadata document does not fit", None),
    ("client_", "The client cannot be recognised", None),
    ("authorization_request", "The client’s request does not fit", None),
    ("resource_", "The client asks for no server of this gateway", SERVERS),
    ("scope_", "The client asks for a scope that does not exist", None),
    ("login_dev_refused", "This sign-in is for development only", None),
    ("login_", "Sign-in did not complete", SIGN_IN),
    ("id_token_", "Sign-in did not complete", SIGN_IN),
    ("form_from_elsewhere", "This form came from another site", SERVERS),
    ("form_", "The form could not be read", SERVERS),
    ("connection_for_somebody_else", "This link is for somebody else", CONNECTIONS),
    ("connection_too_many_accounts", "You have as many accounts as there may be", CONNECTIONS),
    ("connection_list_full", "You have as many accounts as there may be", CONNECTIONS),
    ("connection_", "The account is not connected", CONNECTIONS),
    ("connect_", "This page is out of date", CONNECTIONS),
    ("address_rate_limited", "Too many requests", None),
    ("server_not_", "There is nothing to connect", CONNECTIONS),
    ("shared_connection", "An operator has to connect this server", CONNECTIONS),
    ("upstream_access_denied", "You were not connected", CONNECTIONS),
    ("upstream_", "The account could not be connected", CONNECTIONS),
    ("api_key_", "The API key was not made", CONNECTIONS),
    ("storage_", "Storage did not answer", None),
    ("not_configured", "There is no configuration yet", SERVERS),
    ("operator_required", "This page is for operators", SERVERS),
    ("console_form_gone", "This page is out of date", None),
    ("configuration_changed", "The configuration is another one by now", None),
    ("keys_", "The gateway’s keys are missing", None),
    ("body_", "What was sent could not be read", None),
    ("headers_too_large", "The request is too large", None),
];

/// The family of a reason; what is in none is told by who must act.
pub(super) fn of(reason: &str, blame: Blame) -> Family {
    let known = FAMILIES.iter().find(|(beginning, ..)| reason.starts_with(beginning));
    let (title, way_on) = known.map_or_else(
        || match blame {
            Blame::Client => ("This was not understood", SERVERS),
            Blame::Upstream => ("Another service did not play along", None),
            Blame::Operator => ("The gateway is not set up for this", None),
            Blame::Gateway => ("The gateway has a problem", None),
        },
        |(_, title, way_on)| (*title, *way_on),
    );
    Family { title, way_on }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_says_what_happened() {
        for (reason, title) in [
            ("login_lost", "Sign-in did not complete"),
            ("login_dev_refused", "This sign-in is for development only"),
            ("redirect_uri_unregistered", "This redirect URI is not registered"),
            ("connection_outdated", "The account is not connected"),
            ("connect_link_gone", "This page is out of date"),
            ("upstream_resource_mismatch", "The account could not be connected"),
        ] {
            assert_eq!(of(reason, Blame::Client).title, title, "{reason}");
        }
        assert_eq!(of("unheard_of", Blame::Operator).title, "The gateway is not set up for this");
    }

    #[test]
    fn no_line_is_hidden_by_one_before() {
        for (at, (beginning, ..)) in FAMILIES.iter().enumerate() {
            let first = FAMILIES.iter().position(|(earlier, ..)| beginning.starts_with(earlier));
            assert_eq!(first, Some(at), "{beginning}");
        }
    }
}
