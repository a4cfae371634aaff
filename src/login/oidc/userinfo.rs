//! Userinfo: the claims that a provider keeps out of its ID tokens (`OpenID` Connect Core §5.3).
//!
//! Not here: when it is asked (`claims`), and sending the request (`flow`).

use http::StatusCode;

use crate::headers::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use crate::json::Node;
use crate::login::LoginError;
use crate::secret::Secret;

/// No answer is larger; `flow` reads no further.
pub const MAX_BYTES: usize = 64 * 1024;

/// The headers to ask with (RFC 6750 §2.1).
pub fn headers(access_token: &Secret) -> Result<HeaderMap, LoginError> {
    let bearer = HeaderValue::try_from(format!("Bearer {}", access_token.expose()));
    let mut bearer = bearer.map_err(|_| LoginError::TokenMalformed)?;
    bearer.set_sensitive(true);
    Ok(HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json")), (AUTHORIZATION, bearer)]))
}

/// Reads the answer.
///
/// 1. It is a JSON object. Nobody asked for a signed one.
/// 2. Its `sub` is the ID token's, character by character, and there once (§5.3.2).
pub fn read<'a>(status: StatusCode, bytes: &'a [u8], sub: &str) -> Result<Node<'a>, LoginError> {
    if status != StatusCode::OK {
        return Err(LoginError::UserinfoRefused { status: status.as_u16() });
    }

    // 1.
    let bytes = Some(bytes).filter(|bytes| bytes.len() <= MAX_BYTES);
    let claims = bytes.and_then(|bytes| Node::parse(bytes).ok()).ok_or(LoginError::UserinfoMalformed)?;
    let Node::Object(_) = &claims else { return Err(LoginError::UserinfoMalformed) };

    // 2.
    match claims.get("sub") {
        Some(Node::Text(same)) if same == sub => Ok(claims),
        _ => Err(LoginError::UserinfoOtherSubject),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, answer: &str) -> Option<LoginError> {
        read(StatusCode::from_u16(status).unwrap(), answer.as_bytes(), "7").err()
    }

    #[test]
    fn it_speaks_of_who_signed_in_or_is_not_believed() {
        assert_eq!(refusal(200, r#"{"sub":"7","groups":["a"]}"#), None);
        for other in [
            r#"{"sub":"8"}"#,
            r#"{"sub":7}"#,
            r#"{"sub":"7 "}"#,
            r#"{"sub":["7"]}"#,
            r#"{"sub":"7","sub":"8"}"#,
            r#"{"sub":"7","sub":"7"}"#,
            "{}",
        ] {
            assert_eq!(refusal(200, other), Some(LoginError::UserinfoOtherSubject), "{other}");
        }
    }

    #[test]
    fn what_is_no_object_is_not_read() {
        let large = format!(r#"{{"sub":"7","a":"{}"}}"#, "a".repeat(MAX_BYTES));
        for answer in ["", "[]", "null", r#""7""#, "e30.e30.e30", "<html>", r#"{"sub":"7"} {"sub":"7"}"#, &large] {
            assert_eq!(refusal(200, answer), Some(LoginError::UserinfoMalformed), "{answer:.20}");
        }
        for status in [204, 302, 401, 403, 500] {
            assert_eq!(refusal(status, r#"{"sub":"7"}"#), Some(LoginError::UserinfoRefused { status }));
        }
    }

    #[test]
    fn the_access_token_is_a_header_that_is_not_shown() {
        let headers = headers(&Secret::new("abc")).unwrap();
        assert_eq!(headers[AUTHORIZATION], "Bearer abc");
        assert!(!format!("{headers:?}").contains("abc"));
        assert!(super::headers(&Secret::new("a\r\nb")).is_err());
    }
}
