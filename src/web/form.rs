//! `application/x-www-form-urlencoded`, read strictly: token requests, revocations, queries and the gateway's own
//! forms.
//!
//! A second value for a parameter is how one reader is made to see something else than another, so it is an error
//! wherever one value is wanted (OAuth 2.1 §3.1). Not here: what the parameters mean.

use std::fmt;

use zeroize::Zeroizing;

const LONGEST: usize = 32 * 1024;
const MOST: usize = 64;

/// Names and values in the order sent. `Debug` shows names only: values are codes, tokens and secrets.
pub struct Form(Vec<(String, Zeroizing<String>)>);

/// Reads a body or a query without its `?`.
pub fn parse(body: &[u8]) -> Result<Form, FormError> {
    if body.len() > LONGEST {
        return Err(FormError::TooLong);
    }
    fields(body, |_| false)
}

/// Reads a form in which people write whole texts, of any length: lines and tabs are part of them.
pub fn parse_texts(body: &[u8]) -> Result<Form, FormError> {
    fields(body, |character| matches!(character, '\r' | '\n' | '\t'))
}

fn fields(body: &[u8], is_of_text: fn(char) -> bool) -> Result<Form, FormError> {
    let mut fields = Vec::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        if fields.len() == MOST {
            return Err(FormError::TooMany);
        }
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decode(halves.next().unwrap_or_default(), |_| false)?;
        let value = decode(halves.next().unwrap_or_default(), is_of_text)?;
        fields.push((name, Zeroizing::new(value)));
    }
    Ok(Form(fields))
}

impl Form {
    /// The one value of a parameter. Without a value it counts as omitted (OAuth 2.1 §3.1); sent twice it is an error
    /// even if both are the same or empty.
    pub fn one(&self, name: &str) -> Result<Option<&str>, FormError> {
        let mut values = self.values(name);
        let value = values.next();
        match values.next() {
            Some(_) => Err(FormError::Repeated { name: name.to_owned() }),
            None => Ok(value.filter(|value| !value.is_empty())),
        }
    }

    /// Every value of a parameter that may repeat; empty ones count as omitted.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.values(name).filter(|value| !value.is_empty()).collect()
    }

    /// Whether the parameter is there at all, with a value or without.
    pub fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// The names, in the order sent.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    fn values<'form>(&'form self, name: &str) -> impl Iterator<Item = &'form str> {
        self.0.iter().filter(move |(held, _)| held == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Why a form cannot be read, or not without choosing between two meanings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormError {
    /// More than 32 KiB.
    TooLong,
    /// More than 64 parameters.
    TooMany,
    /// A `%` without two hexadecimal digits, or a byte that a form has to escape.
    Escape,
    /// Decoded, it is not UTF-8.
    Utf8,
    /// Decoded, it has a control character; no parameter of ours may.
    Control,
    /// A parameter that may be sent once was sent again.
    Repeated {
        /// Which one.
        name: String,
    },
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("the parameters are longer than 32 KiB"),
            Self::TooMany => f.write_str("there are more than 64 parameters"),
            Self::Escape => f.write_str("the parameters are not application/x-www-form-urlencoded"),
            Self::Utf8 => f.write_str("a parameter is not UTF-8"),
            Self::Control => f.write_str("a parameter has a control character"),
            Self::Repeated { name } => write!(f, "the parameter {name} is sent more than once"),
        }
    }
}

impl std::error::Error for FormError {}

fn decode(text: &[u8], is_of_text: fn(char) -> bool) -> Result<String, FormError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => match (bytes.next().and_then(hex), bytes.next().and_then(hex)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(FormError::Escape),
            },
            0x21..=0x7e => byte,
            _ => return Err(FormError::Escape),
        });
    }
    let decoded = String::from_utf8(decoded).map_err(|_| FormError::Utf8)?;
    let is_control = |character: char| character.is_control() && !is_of_text(character);
    if decoded.contains(is_control) { Err(FormError::Control) } else { Ok(decoded) }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(text: &str) -> Form {
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn values_are_decoded() {
        let form = form(
            "grant_type=authorization_code&redirect_uri=https%3A%2F%2Fa.example%2Fcb%3fx%3D1&name=a+b%2Bc&x=1=2&&lone",
        );
        assert_eq!(form.one("grant_type"), Ok(Some("authorization_code")));
        assert_eq!(form.one("redirect_uri"), Ok(Some("https://a.example/cb?x=1")));
        assert_eq!(form.one("name"), Ok(Some("a b+c")));
        assert_eq!(form.one("x"), Ok(Some("1=2")));
        assert_eq!(form.one("lone"), Ok(None));
        assert_eq!(form.one("absent"), Ok(None));
    }

    #[test]
    fn a_second_value_is_an_error_however_the_name_is_escaped() {
        for text in ["code=a&code=b", "code=a&code=a", "code=&code=a", "code=a&c%6fde=b", "code&code"] {
            assert_eq!(form(text).one("code"), Err(FormError::Repeated { name: "code".to_owned() }), "{text}");
        }
        assert_eq!(form("code=a&Code=b").one("code"), Ok(Some("a")));
    }

    #[test]
    fn a_parameter_may_repeat_where_all_are_asked_for() {
        assert_eq!(form("resource=a&x=1&resource=b&resource=").all("resource"), ["a", "b"]);
    }

    #[test]
    fn a_parameter_without_value_counts_as_omitted() {
        assert_eq!(form("state=&scope").one("state"), Ok(None));
        assert_eq!(form("scope").one("scope"), Ok(None));
    }

    #[test]
    fn what_no_form_encoder_writes_is_refused() {
        for (text, error) in [
            (&b"a=%"[..], FormError::Escape),
            (b"a=%2", FormError::Escape),
            (b"a=%zz", FormError::Escape),
            (b"a=%+1", FormError::Escape),
            (b"a=b c", FormError::Escape),
            (b"a=b\nc", FormError::Escape),
            (b"a=\xc3\xa9", FormError::Escape),
            (b"a=%ff", FormError::Utf8),
            (b"a=%0d%0a", FormError::Control),
            (b"a%00=1", FormError::Control),
        ] {
            assert_eq!(parse(text).unwrap_err(), error, "{text:?}");
        }
    }

    #[test]
    fn a_text_has_lines_and_no_other_controls() {
        let body = b"config=%7B%0D%0A%09%22a%22%3A+1%7D&act=check";
        assert_eq!(parse_texts(body).unwrap().one("config"), Ok(Some("{\r\n\t\"a\": 1}")));
        assert_eq!(parse(body).unwrap_err(), FormError::Control);
        for text in [&b"config=%00"[..], b"config=%1b", b"con%0Afig=1"] {
            assert_eq!(parse_texts(text).unwrap_err(), FormError::Control, "{text:?}");
        }
    }

    #[test]
    fn size_is_bounded() {
        assert_eq!(parse(&vec![b'a'; LONGEST + 1]).unwrap_err(), FormError::TooLong);
        assert_eq!(parse(&b"a=1&".repeat(MOST + 1)).unwrap_err(), FormError::TooMany);
        assert!(parse(&b"a=1&".repeat(MOST)).is_ok());
    }

    #[test]
    fn debug_shows_no_value() {
        let shown = format!("{:?}", form("client_secret=hunter2&code=hunter3"));
        assert!(shown.contains("client_secret") && !shown.contains("hunter"), "{shown}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_bytes_read_or_are_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&body);
        }

        #[test]
        fn what_a_form_encoder_writes_reads_back(value in "\\PC{1,40}") {
            let body: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("v", &value).finish();
            let read = form(&body);
            prop_assert_eq!(read.one("v"), Ok(Some(value.as_str())));
        }
    }
}
