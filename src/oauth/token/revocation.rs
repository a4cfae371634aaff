//! A revocation request (RFC 7009 §2.1).
//!
//! Not here: client authentication (`token_request::credentials`), and whether the client owns the token (`grant`).

use super::access_token::Claims;
use super::opaque::OpaqueKind;
use super::request::{TokenRequestError, required};
use super::{access_token, opaque};
use crate::oauth::grant::GrantId;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::vault::KeyRing;
use crate::web::form::Form;

/// The token that shall not be good any more. Ours tell their kind themselves, so `token_type_hint` is not read.
#[derive(Debug, Clone)]
pub struct RevocationRequest {
    token: Secret,
}

impl RevocationRequest {
    /// Reads the form of a revocation request.
    pub fn parse(form: &Form) -> Result<Self, TokenRequestError> {
        form.one("token_type_hint")?;
        Ok(Self { token: Secret::new(required(form, "token")?) })
    }

    /// What an access token claims: of some no object knows.
    pub fn access(&self, ring: &KeyRing, now: Timestamp) -> Option<Claims> {
        access_token::verify(ring, self.token.expose(), now).ok()
    }

    /// The grant whose tokens die: with either token goes the whole grant (RFC 7009 §2.1). `None` for a token that is
    /// not ours or good no more, which is answered with success (§2.2).
    pub fn grant(&self, ring: &KeyRing, now: Timestamp) -> Option<GrantId> {
        let text = self.token.expose();
        let refresh = opaque::parse(ring, OpaqueKind::Refresh, text).map(|(grant, _)| grant);
        refresh.or_else(|| access_token::verify(ring, text, now).ok().map(|claims| claims.grant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::error::ErrorCode;
    use crate::oauth::scope::ScopeSet;
    use crate::web::form;

    const NOW: Timestamp = Timestamp(1_000);

    fn ring() -> KeyRing {
        KeyRing::parse(&Secret::new("1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")).unwrap()
    }

    fn grant_of(token: &str, now: Timestamp) -> Option<GrantId> {
        let form = form::parse(format!("token={token}&token_type_hint=whatever").as_bytes()).unwrap();
        RevocationRequest::parse(&form).unwrap().grant(&ring(), now)
    }

    #[test]
    fn either_token_leads_to_its_grant() {
        let grant = GrantId::new([1; 16]);
        let refresh = opaque::mint(&ring(), OpaqueKind::Refresh, &grant, [2; 32]);
        assert_eq!(grant_of(refresh.expose(), NOW), Some(grant.clone()));
        let claims = Claims {
            iss: "https://gw.example".to_owned(),
            aud: "https://gw.example/v1/mcp/docs".to_owned(),
            sub: "dev:alice".to_owned(),
            client_id: "claude".to_owned(),
            scope: ScopeSet::parse("mcp:tools").unwrap(),
            iat: NOW,
            exp: Timestamp(2_000),
            jti: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            grant: grant.clone(),
            account: None,
            auth_time: None,
            slug: None,
            roles: Vec::new(),
            claims: [].into(),
            cnf: None,
            sponsor: None,
        };
        let access = access_token::sign(&ring(), &claims);
        assert_eq!(grant_of(access.expose(), NOW), Some(grant.clone()));
        assert_eq!(grant_of(access.expose(), Timestamp(2_000)), None);
        assert_eq!(grant_of("mcpg_rt_forged", NOW), None);
        let code = opaque::mint(&ring(), OpaqueKind::Code, &grant, [2; 32]);
        assert_eq!(grant_of(code.expose(), NOW), None);
    }

    #[test]
    fn a_request_without_a_token_or_with_two_is_refused() {
        for body in ["", "token=", "token=a&token=b"] {
            let read = RevocationRequest::parse(&form::parse(body.as_bytes()).unwrap());
            assert_eq!(read.unwrap_err().code(), ErrorCode::InvalidRequest, "{body}");
        }
    }
}
