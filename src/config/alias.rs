//! What the ids of people begin with who are known by somebody else's word: an issuer's, or a sign-in page's.
//!
//! Not here: whose they are (`config::issuers`, `config::own_page`).

use super::report::{Complaint, shown};

const LONGEST: usize = 32;
/// Beginnings of ids that people and keys have, and what `accepts` says of others.
const RESERVED: [&str; 6] = ["dev", "oidc", "key", "machine", "own", "keys"];
/// The same, of later releases: an older configuration may have one of them.
const RESERVED_SINCE: [&str; 2] = ["agent", "agents"];

/// Without a colon, an alias can be no part of another.
pub(super) fn prove(alias: String) -> Result<String, Complaint> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    let begins = alias.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if alias.len() > LONGEST || !begins || !alias.bytes().all(legal) {
        let fix = format!("write lower-case letters, digits, - and _, {LONGEST} at most, a letter first");
        return refused(&alias, "which is no alias", &fix);
    }
    if RESERVED.contains(&alias.as_str()) {
        return own(&alias);
    }
    Ok(alias)
}

/// Not what the gateway has called something of its own since.
pub(super) fn not_reserved_since(alias: &str) -> Result<(), Complaint> {
    if RESERVED_SINCE.contains(&alias) { own(alias) } else { Ok(()) }
}

fn own<T>(alias: &str) -> Result<T, Complaint> {
    refused(alias, "which is what the gateway calls something of its own", "choose another alias")
}

/// The alias is of no use, for a reason.
pub(super) fn refused<T>(alias: &str, why: &str, fix: &str) -> Result<T, Complaint> {
    Err(Complaint::new(format!("is {}, {why}", shown(alias)), fix))
}
