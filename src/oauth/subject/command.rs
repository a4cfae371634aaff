//! What an account can be told and what it answers. Both travel as JSON between the Worker and the object, and during a
//! deploy between old and new code: a changed field is a changed interface.
//!
//! Not here: what happens (`record`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::json::tagged;
use crate::oauth::agent::{AgentId, SponsoredAgent};
use crate::oauth::api_key::KeyId;
use crate::oauth::grant::GrantId;
use crate::oauth::scope::ScopeSet;
use crate::secret::Digested;
use crate::time::Timestamp;

tagged! { "command",
    /// An order to an account.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Command {
        /// The subject consented.
        Remember {
            /// What to ([`super::consent_key`]).
            consent: String,
            /// When.
            at: Timestamp,
            /// Which client it is for, so that it ends with the client's access.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            client_id: Option<String>,
        },
        /// Has the subject consented to this before?
        Recall {
            /// What to ([`super::consent_key`]).
            consent: String,
        },
        /// A client got a grant.
        AddGrant {
            /// The client and its grant.
            grant: AllowedClient,
        },
        /// A grant was used, and lives on.
        Extend {
            /// The grant.
            grant: GrantId,
            /// Until when, if it is not used again.
            until: Timestamp,
        },
        /// The subject connected an account at a server, or connected it again.
        AddConnection {
            /// The account.
            connection: ConnectedAccount,
            /// When they signed in. Without it any revocation is taken to be later.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            signed_in: Option<Timestamp>,
        },
        /// The subject gives an account at a server another name.
        NameConnection {
            /// The server.
            slug: String,
            /// Which account there.
            account: String,
            /// The name; empty for none.
            label: String,
        },
        /// An account at a server is disconnected.
        ForgetConnection {
            /// The server.
            slug: String,
            /// Which account there.
            account: String,
        },
        /// A client's access was taken away: its grants and consents are forgotten, and it is asked about again.
        ForgetClient {
            /// The client.
            client_id: String,
        },
        /// An API key is made: it is listed before it is good for anything.
        AddKey {
            /// The key.
            key: ListedKey,
            /// When whoever makes it signed in.
            signed_in: Timestamp,
        },
        /// An API key was used.
        KeyUsed {
            /// The key.
            key: KeyId,
            /// When, and where from.
            used: KeyUse,
        },
        /// An API key was revoked.
        ForgetKey {
            /// The key.
            key: KeyId,
        },
        /// An agent is named: it is listed before it is good for anything.
        AddAgent {
            /// What it may do.
            agent: SponsoredAgent,
        },
        /// The sponsor says anew at which servers an agent uses their accounts.
        Lend {
            /// The agent.
            agent: AgentId,
            /// The servers, by slug.
            accounts: Vec<String>,
        },
        /// An agent is ended.
        ForgetAgent {
            /// The agent.
            agent: AgentId,
        },
        /// An agent asks for a token: what may it do?
        UseAgent {
            /// The agent.
            agent: AgentId,
            /// When it asks; kept by the day.
            at: Timestamp,
        },
        /// Everything of the subject's is revoked: whoever signed in until then connects nothing any more.
        Revoke {
            /// When.
            at: Timestamp,
        },
        /// Everything of the subject's was revoked, and the list of it is not needed any more.
        ForgetEverything,
        /// The subject signed in, and the login said this of them.
        SignIn {
            /// What it said.
            profile: Profile,
        },
        /// The subject signed in, and nobody asks what the login says of them: what it said before is out of date.
        ForgetProfile {
            /// When that was.
            at: Timestamp,
        },
        /// Another issuer than the gateway has signed that this is the subject.
        Bind {
            /// The issuer.
            issuer: String,
            /// When.
            at: Timestamp,
        },
        /// What did the login say of the subject?
        Profile,
        /// What is there?
        List,
    }
}

/// What the login said of a subject when they last signed in, as far as policy asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The values of each claim.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, Vec<String>>,
    /// Whether it did not say all of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
    /// When that was.
    pub at: Timestamp,
}

impl Profile {
    /// Of a sign-in that said nothing.
    pub const fn empty(at: Timestamp) -> Self {
        Self { roles: Vec::new(), claims: BTreeMap::new(), incomplete: false, at }
    }
}

/// A client and one grant of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowedClient {
    /// The grant.
    pub grant: GrantId,
    /// The client.
    pub client_id: String,
    /// The name it gave itself.
    pub client_name: String,
    /// The server it may use.
    pub slug: String,
    /// Which account there.
    pub account: String,
    /// When it was allowed.
    pub at: Timestamp,
    /// Until when the grant lives if the client does not use it.
    pub until: Timestamp,
}

/// An account at a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectedAccount {
    /// The server.
    pub slug: String,
    /// Which account there: "1", "2", …
    pub account: String,
    /// What the subject calls it, if they gave it a name.
    pub label: String,
    /// What the server's authorization server calls it. Nobody has verified that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_name: Option<String>,
    /// When it was connected.
    pub at: Timestamp,
}

/// An API key as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedKey {
    /// Its id.
    pub id: KeyId,
    /// The digest of its text, under which it is kept.
    pub digest: Digested,
    /// What its owner calls it.
    pub name: String,
    /// The servers it is for, by slug; without them every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub servers: Option<Vec<String>>,
    /// The permissions and scopes it has.
    pub scope: ScopeSet,
    /// When it was made.
    pub at: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// The last use that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<KeyUse>,
}

/// A use of an API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// On the day of this moment.
    pub at: Timestamp,
    /// The network it came from, roughly, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

tagged! { "outcome",
    /// What an account answers.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Outcome {
        /// The consent stands.
        Remembered,
        /// Whether it had been given.
        Recalled {
            /// It had.
            given: bool,
        },
        /// Done.
        Noted,
        /// The grant is listed.
        GrantAdded {
            /// Those that are not any more although they live: what cannot be seen could not be ended, so they must end
            /// now.
            unlisted: Vec<GrantId>,
        },
        /// The account, key or agent is not listed: everything of the subject's was revoked since they signed in.
        Revoked,
        /// The account, key or agent is not listed: there are too many.
        Full,
        /// The subject is another issuer's.
        OtherIssuer,
        /// What is there.
        Listed {
            /// Oldest first.
            connections: Vec<ConnectedAccount>,
            /// Oldest first.
            grants: Vec<AllowedClient>,
            /// Oldest first.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            keys: Vec<ListedKey>,
            /// Whether the subject has ever allowed or connected anything here.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            known: bool,
            /// What the login said of the subject.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            profile: Option<Profile>,
            /// Oldest first.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            agents: Vec<SponsoredAgent>,
        },
        /// What an agent may do, if there is one, and what the login said of its sponsor.
        Agent {
            /// What it may do.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            agent: Option<Box<SponsoredAgent>>,
            /// What the login said.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            profile: Option<Profile>,
        },
        /// What the login said of the subject, if they have signed in since somebody asked for it.
        Profile {
            /// What it said.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            profile: Option<Profile>,
        },
    }
}
