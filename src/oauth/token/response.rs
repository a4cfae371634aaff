//! A success at the token endpoint (OAuth 2.1 §3.2.3).
//!
//! Not here: errors (`failure`), and `Cache-Control: no-store`, which every answer of the endpoint carries.

use serde::Serialize;

use crate::oauth::scope::ScopeSet;
use crate::secret::Secret;
use crate::time::Lifetime;

/// The tokens a client gets.
#[derive(Debug, Clone, Copy)]
pub struct TokenResponse<'a> {
    /// For calls.
    pub access_token: &'a Secret,
    /// How it is presented.
    pub token_type: &'static str,
    /// How long it is good.
    pub expires_in: Lifetime,
    /// For the next access token, where `offline_access` was granted.
    pub refresh_token: Option<&'a Secret>,
    /// The access token's scope, which may be less than was asked for.
    pub scope: &'a ScopeSet,
}

impl TokenResponse<'_> {
    /// The body.
    pub fn to_json(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            access_token: &'a str,
            token_type: &'static str,
            expires_in: Lifetime,
            #[serde(skip_serializing_if = "Option::is_none")]
            refresh_token: Option<&'a str>,
            scope: &'a ScopeSet,
        }
        let body = Body {
            access_token: self.access_token.expose(),
            token_type: self.token_type,
            expires_in: self.expires_in,
            refresh_token: self.refresh_token.map(Secret::expose),
            scope: self.scope,
        };
        // Strings and numbers always have a JSON form.
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_what_was_granted_and_no_null() {
        let scope = ScopeSet::parse("mcp:tools").unwrap();
        let (access, refresh) = (Secret::new("a.b.c"), Secret::new("mcpg_rt_x"));
        let response = TokenResponse {
            access_token: &access,
            token_type: "Bearer",
            expires_in: Lifetime::hours(1),
            refresh_token: Some(&refresh),
            scope: &scope,
        };
        assert_eq!(
            String::from_utf8(response.to_json()).unwrap(),
            r#"{"access_token":"a.b.c","token_type":"Bearer","expires_in":3600,"refresh_token":"mcpg_rt_x","scope":"mcp:tools"}"#
        );
        let response = TokenResponse { refresh_token: None, ..response };
        assert_eq!(
            String::from_utf8(response.to_json()).unwrap(),
            r#"{"access_token":"a.b.c","token_type":"Bearer","expires_in":3600,"scope":"mcp:tools"}"#
        );
        assert!(!format!("{response:?}").contains("a.b.c"));
    }
}
