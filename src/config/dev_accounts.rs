//! The accounts of the development login.
//!
//! Not here: where it works (`config::login`).

use super::document::AccountDocument;
use super::report::{Complaint, Pointer, Report, shown};
use super::{roles, text};

/// An account of the development login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevAccount {
    /// What identifies it, such as `alice`.
    pub subject: String,
    /// The person's name.
    pub name: Option<String>,
    /// The person's address.
    pub email: Option<String>,
    /// The person's roles, in order.
    pub roles: Vec<String>,
}

pub(super) fn prove(list: Option<Vec<Option<AccountDocument>>>, at: &Pointer, report: &mut Report) -> Vec<DevAccount> {
    let Some(list) = list else {
        return vec![sample("alice", "Alice"), sample("bob", "Bob")];
    };
    if list.is_empty() {
        report.add(at, "is empty, so nobody could sign in", "add an account, or remove the field for alice and bob");
    }
    let mut accounts: Vec<DevAccount> = Vec::new();
    for (at, account) in report.entries(at, list) {
        let place = at.child("subject");
        let subject = report.require(&place, account.subject, "write what identifies the account, such as \"alice\"");
        let subject = subject.and_then(|subject| report.check(&place, dev_subject(subject)));
        let name = account.name.and_then(|name| report.check(&at.child("name"), text::label(name, 80)));
        let email = account.email.and_then(|email| report.check(&at.child("email"), text::label(email, 254)));
        let roles = roles::prove_roles(account.roles, &at.child("roles"), report);
        let Some(subject) = subject else { continue };
        if accounts.iter().any(|other| other.subject == subject) {
            report.add(&place, format!("is {subject:?}, as in an account before"), "write another subject");
        }
        accounts.push(DevAccount { subject, name, email, roles });
    }
    accounts
}

fn dev_subject(text: String) -> Result<String, Complaint> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !(1..=64).contains(&text.len()) || !text.bytes().all(legal) {
        let problem = format!("is {}, which cannot identify an account", shown(&text));
        return Err(Complaint::new(problem, "write 1 to 64 letters, digits, dots, - or _"));
    }
    Ok(text)
}

fn sample(subject: &str, name: &str) -> DevAccount {
    DevAccount {
        subject: subject.to_owned(),
        name: Some(name.to_owned()),
        email: Some(format!("{subject}@example.test")),
        roles: Vec::new(),
    }
}
