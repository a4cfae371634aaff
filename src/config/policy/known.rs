//! What rules may ask for: scopes that are defined, roles and claims that somebody can have. A slip of writing would be
//! a rule that refuses everybody.
//!
//! Not here: who has them.

use std::collections::BTreeMap;

use crate::config::clients::Clients;
use crate::config::issuers::ExternalIssuer;
use crate::config::login::Login;
use crate::config::near::nearest;
use crate::config::report::{Complaint, shown};
use crate::config::{roles, scopes};
use crate::oauth::scope::ScopeSet;
use crate::policy::Scopes;

/// What rules may ask for.
#[derive(Clone, Copy)]
pub(in crate::config) struct Known<'a> {
    /// The scopes that the operator defines.
    pub(in crate::config) scopes: &'a Scopes,
    /// How people sign in, if that could be read.
    pub(in crate::config) login: Option<&'a Login>,
    /// The clients, some of which have roles of their own.
    pub(in crate::config) clients: &'a Clients,
    /// Other issuers.
    pub(in crate::config) issuers: &'a BTreeMap<String, ExternalIssuer>,
}

impl Known<'_> {
    /// A scope that can be asked for, and does not go without saying.
    pub(super) fn scope(self, scope: &str) -> Result<(), Complaint> {
        let refused = |why: &str| Err(Complaint::new(format!("is {scope:?}, {why}"), "remove it"));
        match scope {
            ScopeSet::TOOLS => refused("which every call needs anyway"),
            ScopeSet::OFFLINE_ACCESS => refused("which says how long a client stays connected, and not what it may do"),
            _ => scopes::defined(scope, self.scopes.names()),
        }
    }

    /// A role that somebody can have.
    pub(in crate::config) fn role(self, name: &str) -> Result<(), Complaint> {
        roles::role(name)?;
        let mut machines = self.clients.preregistered.iter().filter_map(|client| client.machine.as_ref());
        if machines.any(|machine| machine.roles.iter().any(|role| role == name))
            || self.issuers.values().any(|issuer| issuer.gives(name))
        {
            return Ok(());
        }
        let mapping = match self.login {
            Some(Login::Oidc(oidc)) => oidc.roles.as_ref(),
            Some(Login::Github(github)) => github.roles.as_ref(),
            Some(Login::Dev { .. } | Login::Page(_)) | None => None,
        };
        let (given, place): (Vec<&str>, _) = match self.login {
            // A page gives whichever roles it names.
            None | Some(Login::Page(_)) => return Ok(()),
            Some(Login::Oidc(_) | Login::Github(_)) => match mapping {
                None => return Err(nobody(name, "say where roles come from: login.roles, with the \"claim\"")),
                Some(mapping) if mapping.gives(name) => return Ok(()),
                Some(mapping) => {
                    (mapping.map.iter().flatten().map(|(_, role)| role.as_str()).collect(), "login.roles.map")
                }
            },
            Some(Login::Dev { accounts }) => {
                let roles = accounts.iter().flat_map(|account| account.roles.iter().map(String::as_str));
                (roles.collect(), "the \"roles\" of one of login.accounts")
            }
        };
        if given.contains(&name) {
            return Ok(());
        }
        Err(match nearest(name, given.into_iter()) {
            Some(meant) => nobody(name, &format!("did you mean {meant:?}? Otherwise add it to {place}")),
            None => nobody(name, &format!("add it to {place}")),
        })
    }

    /// Whether anybody can have a claim.
    pub(super) fn any_claim(self) -> Result<(), Complaint> {
        let elsewhere = self.issuers.values().any(|issuer| issuer.access_tokens().is_some());
        if matches!(self.login, Some(Login::Dev { .. })) && !elsewhere {
            let problem = "asks for claims, and the development login has none";
            return Err(Complaint::new(problem, "write \"roles\", which its accounts can have"));
        }
        Ok(())
    }
}

fn nobody(role: &str, fix: &str) -> Complaint {
    Complaint::new(format!("is {}, a role that nobody can have", shown(role)), fix)
}
