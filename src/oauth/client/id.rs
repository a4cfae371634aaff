//! The ids that registration gives out: random bytes, or the registration itself, sealed.
//!
//! Not here: what is sealed in one (`registered_client`).

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::secret::Digested;

/// Does not begin with `https://`: a registered id cannot be taken for the address of a document (CIMD, "Supporting
/// Both…").
pub(super) const ID_PREFIX: &str = "mcpg_client_";

/// The longest id that is given out or looked at. It travels in the authorization request, which has to survive the
/// sign-in in a cookie.
pub(super) const LONGEST_ID: usize = 1000;

/// Less than this follows the prefix of no sealed id: an envelope around nothing.
pub(super) const SHORTEST_SEALED: usize = 44;

/// Whether a text has the form of an id that registration gives out, so that anything else is not looked up.
pub fn is_registered_id(text: &str) -> bool {
    let random =
        |rest: &str| Base64UrlUnpadded::decode(rest, &mut [0; 16]).is_ok_and(|random: &[u8]| random.len() == 16);
    sealed_part(text).is_some() || text.strip_prefix(ID_PREFIX).is_some_and(random)
}

/// What stands for a client's id where that would be too long, or must not be shown: the digest of a sealed one.
pub fn reference(client_id: &str) -> String {
    match sealed_part(client_id) {
        Some(_) => format!("{ID_PREFIX}{}", Digested::of(client_id).as_str()),
        None => client_id.to_owned(),
    }
}

/// The directory's key for a registered client.
pub fn storage_key(client_id: &str) -> String {
    match sealed_part(client_id) {
        Some(_) => format!("client:{}", Digested::of(client_id).as_str()),
        None => format!("client:{client_id}"),
    }
}

/// The directory's key of the client that such a [`reference`] stands for, where it is the digest of a sealed id.
pub fn key_of_reference(text: &str) -> Option<String> {
    let digest = text.strip_prefix(ID_PREFIX).filter(|rest| Digested::is_one(rest))?;
    Some(format!("client:{digest}"))
}

pub(super) fn sealed_part(id: &str) -> Option<&str> {
    let sealed = id.strip_prefix(ID_PREFIX).filter(|_| id.len() <= LONGEST_ID)?;
    (sealed.len() >= SHORTEST_SEALED).then_some(sealed)
}
