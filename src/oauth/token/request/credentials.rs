//! Who presents a token request or a revocation: `Authorization: Basic`, or the form (OAuth 2.1 §2.4.1).
//!
//! Not here: whether the credentials are right (`client`).

use base64ct::{Base64, Base64Unpadded, Encoding};
use zeroize::Zeroizing;

use super::error::TokenRequestError;
use crate::headers::{AUTHORIZATION, HeaderMap, HeaderValue};
use crate::oauth::client::ClientCredentials;
use crate::oauth::client::assertion::{TYPE, claimed_client};
use crate::secret::Secret;
use crate::web::form::Form;

/// The longest `Authorization` that is looked at.
const LONGEST: usize = 8192;

/// Who says to be asking: by `Authorization: Basic`, or by `client_id` and `client_secret` in the form, never by both.
pub fn credentials(headers: &HeaderMap, form: &Form) -> Result<ClientCredentials, TokenRequestError> {
    let id = form.one("client_id")?;
    let secret = form.one("client_secret")?;
    let assertion = asserted(form)?;
    let mut authorizations = headers.get_all(AUTHORIZATION);
    let Some(authorization) = authorizations.next() else {
        if assertion.is_some() && secret.is_some() {
            return Err(TokenRequestError::TwoMethods);
        }
        // Whose it is need not be said twice (RFC 7521 §4.2).
        let id = id.map(str::to_owned).or_else(|| claimed_client(assertion?));
        let assertion = assertion.map(Secret::new);
        return Ok(ClientCredentials { id, secret: secret.map(Secret::new), basic: false, assertion });
    };
    if secret.is_some() || assertion.is_some() || authorizations.next().is_some() {
        return Err(TokenRequestError::TwoMethods);
    }
    let (basic_id, basic_secret) = basic(authorization)?;
    // Many clients repeat their id in the form; naming another one is an attempt to be two clients.
    if id.is_some_and(|id| id != basic_id) {
        return Err(TokenRequestError::TwoClients);
    }
    Ok(ClientCredentials { id: Some(basic_id), secret: basic_secret, basic: true, assertion: None })
}

/// RFC 7521 §4.2: an assertion says of which type it is.
fn asserted(form: &Form) -> Result<Option<&str>, TokenRequestError> {
    let (kind, assertion) = (form.one("client_assertion_type")?, form.one("client_assertion")?);
    match assertion {
        Some(_) if kind != Some(TYPE) => Err(TokenRequestError::AssertionType),
        assertion => Ok(assertion),
    }
}

/// RFC 7617, where an empty password is none.
fn basic(authorization: &HeaderValue) -> Result<(String, Option<Secret>), TokenRequestError> {
    let decoded = decode(authorization).ok_or(TokenRequestError::Authorization)?;
    let (id, secret) = decoded.split_once(':').ok_or(TokenRequestError::Authorization)?;
    let secret = Some(unescape(secret)).filter(|secret| !secret.is_empty());
    Ok((unescape(id), secret.map(Secret::new)))
}

fn decode(authorization: &HeaderValue) -> Option<Zeroizing<String>> {
    if authorization.len() > LONGEST {
        return None;
    }
    let (scheme, encoded) = authorization.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let encoded = encoded.trim();
    let decoded = Base64::decode_vec(encoded).or_else(|_| Base64Unpadded::decode_vec(encoded)).ok()?;
    let decoded = String::from_utf8(decoded).map(Zeroizing::new).ok()?;
    (!decoded.contains(char::is_control)).then_some(decoded)
}

/// OAuth 2.1 §2.4.1 form-urlencodes id and secret before Basic; the MCP SDKs and many others do not. A text that an
/// encoder could have written and that has an escape was encoded; anything else is meant as it stands, a lone `+`
/// included.
fn unescape(text: &str) -> String {
    let encoder_writes = |byte: u8| byte.is_ascii_alphanumeric() || b"%+-._*~!'()".contains(&byte);
    if text.contains('%') && text.bytes().all(encoder_writes) {
        percent_decoded(text).unwrap_or_else(|| text.to_owned())
    } else {
        text.to_owned()
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let hex = |byte: u8| char::from(byte).to_digit(16);
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => u8::try_from(hex(bytes.next()?)? << 4 | hex(bytes.next()?)?).ok()?,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok().filter(|text| !text.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::oauth::error::ErrorCode;
    use crate::web::form;

    type Who = (Option<String>, Option<String>, bool);

    fn who(authorization: Option<&str>, body: &str) -> Result<Who, ErrorCode> {
        let headers = authorization.map(|value| (AUTHORIZATION, HeaderValue::try_from(value).unwrap()));
        let form = form::parse(body.as_bytes()).unwrap();
        let read = credentials(&HeaderMap::from_iter(headers), &form).map_err(|error| error.code())?;
        Ok((read.id, read.secret.map(|secret| secret.expose().to_owned()), read.basic))
    }

    fn basic_of(text: &str) -> String {
        format!("Basic {}", Base64::encode_string(text.as_bytes()))
    }

    fn known(id: &str, secret: &str, basic: bool) -> Who {
        (Some(id.to_owned()), Some(secret.to_owned()), basic)
    }

    #[test]
    fn a_client_names_itself_in_one_place() {
        assert_eq!(who(None, "client_id=a&client_secret=s"), Ok(known("a", "s", false)));
        assert_eq!(who(None, "client_id=a"), Ok((Some("a".to_owned()), None, false)));
        assert_eq!(who(None, ""), Ok((None, None, false)));
        assert_eq!(who(Some(&basic_of("a:s")), ""), Ok(known("a", "s", true)));
        assert_eq!(who(Some(&basic_of("a:s")), "client_id=a"), Ok(known("a", "s", true)));
        assert_eq!(who(Some(&basic_of("a:")), ""), Ok((Some("a".to_owned()), None, true)));
        assert_eq!(who(Some(&basic_of("a:s")), "client_id=b"), Err(ErrorCode::InvalidRequest));
        assert_eq!(who(Some(&basic_of("a:s")), "client_secret=s"), Err(ErrorCode::InvalidRequest));
        assert_eq!(who(None, "client_id=a&client_id=a"), Err(ErrorCode::InvalidRequest));
        assert_eq!(who(None, "client_id=a&client_secret=s&client_secret=s"), Err(ErrorCode::InvalidRequest));
        let mut twice = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Basic YTpz"))]);
        twice.append(AUTHORIZATION, HeaderValue::from_static("Basic YTpz"));
        let read = credentials(&twice, &form::parse(b"").unwrap());
        assert_eq!(read.unwrap_err(), TokenRequestError::TwoMethods);
    }

    #[test]
    fn authorization_that_is_not_basic_fails_the_client() {
        for value in
            ["Bearer x", "Basic", "Basic !", "Basic YQ==", "Basic /w==", "Basic YTpzCg==", "Bearer YTpz", "YTpz"]
        {
            assert_eq!(who(Some(value), ""), Err(ErrorCode::InvalidClient), "{value}");
        }
        let long = basic_of(&format!("a:{}", "s".repeat(LONGEST)));
        assert_eq!(who(Some(&long), ""), Err(ErrorCode::InvalidClient));
        assert_eq!(who(Some("basic YTpzcw"), ""), Ok(known("a", "ss", true)));
    }

    #[test]
    fn basic_is_read_as_oauth_encodes_it_and_as_clients_send_it() {
        for (sent, secret) in [
            ("s%3As%2F%2B", "s:s/+"),
            ("a+b%20c", "a b c"),
            ("a+b", "a+b"),
            ("a+b/c==", "a+b/c=="),
            ("100%", "100%"),
            ("50%zz", "50%zz"),
            ("a/b%41", "a/b%41"),
            ("%FF", "%FF"),
            ("s:s", "s:s"),
        ] {
            assert_eq!(who(Some(&basic_of(&format!("a%3A1:{sent}"))), ""), Ok(known("a:1", secret, true)), "{sent}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn any_authorization_is_read_or_refused(value in "(Basic )?[ -~]{0,60}") {
            let _ = who(Some(&value), "");
        }

        #[test]
        fn a_form_encoded_secret_comes_back(secret in "[ -~]{1,40}") {
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            prop_assume!(encoded.contains('%') || !encoded.contains('+'));
            prop_assert_eq!(who(Some(&basic_of(&format!("a:{encoded}"))), ""), Ok(known("a", &secret, true)));
        }
    }
}
