//! Values of headers: checked once, where they come in or are made.
//!
//! Not here: what is in them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A field value: one line. One that is not visible ASCII is there, but says nothing.
#[derive(Clone)]
pub struct HeaderValue {
    text: Cow<'static, str>,
    visible: bool,
    sensitive: bool,
}

impl HeaderValue {
    /// A value that is written in the code.
    pub const fn from_static(text: &'static str) -> Self {
        Self { text: Cow::Borrowed(text), visible: true, sensitive: false }
    }

    /// The value, where it is visible ASCII.
    pub fn to_str(&self) -> Result<&str, Unfit> {
        if self.visible { Ok(&self.text) } else { Err(Unfit) }
    }

    /// The value, whatever is in it.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Keeps it out of what is shown.
    pub fn set_sensitive(&mut self, sensitive: bool) {
        self.sensitive = sensitive;
    }

    /// Whether it is kept out of what is shown.
    pub fn is_sensitive(&self) -> bool {
        self.sensitive
    }
}

impl TryFrom<String> for HeaderValue {
    type Error = Unfit;

    /// Nothing in it ends the line (RFC 9110 §5.5).
    fn try_from(text: String) -> Result<Self, Unfit> {
        let (mut visible, mut legal) = (true, true);
        for byte in text.bytes() {
            let shown = matches!(byte, b' '..=b'~' | b'\t');
            visible &= shown;
            legal &= shown || byte >= 0x80;
        }
        if legal { Ok(Self { text: Cow::Owned(text), visible, sensitive: false }) } else { Err(Unfit) }
    }
}

impl TryFrom<&str> for HeaderValue {
    type Error = Unfit;

    fn try_from(text: &str) -> Result<Self, Unfit> {
        Self::try_from(text.to_owned())
    }
}

impl FromStr for HeaderValue {
    type Err = Unfit;

    fn from_str(text: &str) -> Result<Self, Unfit> {
        Self::try_from(text)
    }
}

impl From<u64> for HeaderValue {
    fn from(number: u64) -> Self {
        Self { text: Cow::Owned(number.to_string()), visible: true, sensitive: false }
    }
}

impl PartialEq for HeaderValue {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for HeaderValue {}

impl PartialEq<str> for HeaderValue {
    fn eq(&self, other: &str) -> bool {
        self.text == other
    }
}

impl PartialEq<&str> for HeaderValue {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

impl PartialEq<String> for HeaderValue {
    fn eq(&self, other: &String) -> bool {
        self.text == *other
    }
}

impl fmt::Debug for HeaderValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sensitive { formatter.write_str("Sensitive") } else { fmt::Debug::fmt(&self.text, formatter) }
    }
}

/// What is not the name or the value of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfit;

impl fmt::Display for Unfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("no header")
    }
}

impl std::error::Error for Unfit {}
