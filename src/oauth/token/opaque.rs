//! Authorization codes and refresh tokens: the grant's id, 256 random bits, and a tag that only our keys can make, so
//! that a forged one is refused without asking any object.
//!
//! Not here: whether a genuine one is still good (`grant`).

use base64ct::{Base64UrlUnpadded, Encoding};
use zeroize::Zeroizing;

use crate::oauth::grant::GrantId;
use crate::secret::{Digested, Secret};
use crate::vault::{KeyRing, Purpose};

/// Grant 16 ‖ random 32 ‖ tag 16.
const LENGTH: usize = 64;

/// What an opaque token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpaqueKind {
    /// An authorization code.
    Code,
    /// A refresh token.
    Refresh,
}

impl OpaqueKind {
    /// What its tokens begin with, for people and for scanners of leaked secrets.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Code => "mcpg_code_",
            Self::Refresh => "mcpg_rt_",
        }
    }

    const fn purpose(self) -> Purpose {
        match self {
            Self::Code => Purpose::Code,
            Self::Refresh => Purpose::RefreshToken,
        }
    }
}

/// Makes a token of a grant from random bytes.
pub fn mint(ring: &KeyRing, kind: OpaqueKind, grant: &GrantId, random: [u8; 32]) -> Secret {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH));
    bytes.extend(grant.as_bytes());
    bytes.extend(random);
    let tag = ring.tag(kind.purpose(), &bytes);
    bytes.extend(tag);
    Secret::new(format!("{}{}", kind.prefix(), Base64UrlUnpadded::encode_string(&bytes)))
}

/// Whose token it is, and its digest: `None` for whatever we did not make.
pub fn parse(ring: &KeyRing, kind: OpaqueKind, text: &str) -> Option<(GrantId, Digested)> {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    let decoded = Base64UrlUnpadded::decode(text.strip_prefix(kind.prefix())?, &mut *bytes).ok()?;
    let (message, tag) = decoded.split_last_chunk::<16>()?;
    if !ring.verify_tag(kind.purpose(), message, tag) {
        return None;
    }
    let (grant, _) = message.split_first_chunk::<16>()?;
    Some((GrantId::new(*grant), Digested::of(text)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RING: &str = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn ring() -> KeyRing {
        KeyRing::parse(&Secret::new(RING)).unwrap()
    }

    #[test]
    fn a_token_of_version_1_stays_good() {
        let token = mint(&ring(), OpaqueKind::Refresh, &GrantId::new([1; 16]), [2; 32]);
        let golden = "mcpg_rt_AQEBAQEBAQEBAQEBAQEBAQICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICVi_vLYVlDpEcWoEgyO3vjg";
        assert_eq!(token.expose(), golden);
        assert_eq!(parse(&ring(), OpaqueKind::Refresh, golden), Some((GrantId::new([1; 16]), token.digest())));
    }

    #[test]
    fn a_code_is_no_refresh_token() {
        let code = mint(&ring(), OpaqueKind::Code, &GrantId::new([1; 16]), [2; 32]);
        assert!(parse(&ring(), OpaqueKind::Code, code.expose()).is_some());
        assert_eq!(parse(&ring(), OpaqueKind::Refresh, code.expose()), None);
        let dressed_up = code.expose().replace("mcpg_code_", "mcpg_rt_");
        assert_eq!(parse(&ring(), OpaqueKind::Refresh, &dressed_up), None);
    }

    #[test]
    fn tokens_outlive_a_rotation_of_keys() {
        let rotated = format!("{RING},2:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8");
        let rotated = KeyRing::parse(&Secret::new(rotated)).unwrap();
        let token = mint(&ring(), OpaqueKind::Refresh, &GrantId::new([1; 16]), [2; 32]);
        assert!(parse(&rotated, OpaqueKind::Refresh, token.expose()).is_some());
        let newer = mint(&rotated, OpaqueKind::Refresh, &GrantId::new([1; 16]), [2; 32]);
        assert!(parse(&ring(), OpaqueKind::Refresh, newer.expose()).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn what_we_did_not_make_is_refused(text in "\\PC{0,120}|mcpg_rt_[A-Za-z0-9_-]{86}") {
            prop_assert_eq!(parse(&ring(), OpaqueKind::Refresh, &text), None);
        }

        #[test]
        fn one_changed_character_is_noticed(random: [u8; 32], at: proptest::sample::Index, to in "[A-Za-z0-9_-]") {
            let token = mint(&ring(), OpaqueKind::Code, &GrantId::new([1; 16]), random);
            let at = at.index(token.expose().len());
            let mut changed = token.expose().to_owned();
            changed.replace_range(at..=at, &to);
            prop_assert_eq!(parse(&ring(), OpaqueKind::Code, &changed).is_some(), changed == token.expose());
        }
    }
}
