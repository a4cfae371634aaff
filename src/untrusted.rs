//! Text that somebody else wrote, cut to what a page, a log line or an error may show.
//!
//! Not here: escaping for HTML (`page` does that for everything) or for a header.

use std::collections::BTreeMap;

use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding};
use url::form_urlencoded;

use crate::secret::Secret;

/// No text is shown longer, in characters; of what lies further behind nothing is looked at.
const LONGEST: usize = 200;
const READ: usize = 4 * LONGEST;

/// So much of a secret in a row is no coincidence: some services show the beginning of what they refuse.
const TELLING: usize = 12;
/// A shorter secret is a word like others.
const SHORTEST: usize = 4;

/// What stands in place of a secret.
const CUT: &str = "[cut]";

/// At most 200 characters of what an OAuth error may hold (RFC 6749 §5.2): printable ASCII without `"` and `\`.
pub fn presentable(text: &str) -> String {
    let shown = |c: char| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '?' };
    text.chars().take(LONGEST).map(shown).collect()
}

/// The secrets that were sent to whoever writes a text. Services quote what they refuse.
#[derive(Debug, Default)]
pub struct Sent {
    /// In lower case, in each form in which they may come back.
    forms: Vec<Secret>,
}

impl Sent {
    /// And this one: as it is, escaped as in a form or a path, and as Base64.
    #[must_use]
    pub fn with(mut self, secret: &Secret) -> Self {
        let text = secret.expose();
        let form: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let path = form.replace('+', "%20");
        let (base64, base64url) =
            (Base64Unpadded::encode_string(text.as_bytes()), Base64UrlUnpadded::encode_string(text.as_bytes()));
        for form in [text, &form, &path, &base64, &base64url] {
            let form = form.to_ascii_lowercase();
            if text.len() >= SHORTEST && !self.forms.iter().any(|known| known.expose() == form) {
                self.forms.push(Secret::new(form));
            }
        }
        self
    }

    /// The text as it may be shown, every secret cut out of it.
    pub fn presentable(&self, text: &str) -> String {
        let (mut shown, mut cutting) = (String::new(), false);
        // A secret that begins in what is read is known by what follows; all else its writer may have made as long as
        // they like.
        let text: String = text.chars().take(READ + TELLING).collect();
        let cuts = self.cuts(&text);
        for ((at, c), _) in text.char_indices().zip(0..READ) {
            let cut = cuts.get(at).is_some_and(|cut| *cut);
            match (cut, cutting) {
                (true, false) => shown.push_str(CUT),
                (false, _) => shown.push(c),
                (true, true) => {}
            }
            cutting = cut;
        }
        presentable(&shown)
    }

    /// Whether something of a secret stands in the text.
    pub fn is_in(&self, text: &str) -> bool {
        self.cuts(text).contains(&true)
    }

    /// Which of its bytes belong to a secret.
    fn cuts(&self, text: &str) -> Vec<bool> {
        let mut cuts = vec![false; text.len()];
        self.find(text, |start, length| cuts.iter_mut().skip(start).take(length).for_each(|cut| *cut = true));
        cuts
    }

    /// Tells where parts of a secret stand, and how long they are. Each place is told once: whoever writes the text may
    /// have made the secret too, and both out of one character.
    fn find(&self, text: &str, mut found: impl FnMut(usize, usize)) {
        let text: Vec<u8> = text.bytes().map(|byte| byte.to_ascii_lowercase()).collect();
        let mut places: BTreeMap<usize, BTreeMap<&[u8], Vec<usize>>> = BTreeMap::new();
        for form in &self.forms {
            let form = form.expose().as_bytes();
            let length = form.len().min(TELLING);
            let places = places.entry(length).or_insert_with(|| places_of(&text, length));
            for start in form.windows(length).filter_map(|part| places.remove(part)).flatten() {
                found(start, length);
            }
        }
    }
}

/// Where each part of that length stands.
fn places_of(text: &[u8], length: usize) -> BTreeMap<&[u8], Vec<usize>> {
    let mut places: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (start, part) in text.windows(length).enumerate() {
        places.entry(part).or_default().push(start);
    }
    places
}

/// Controls, bidirectional overrides and invisible characters: escaping lets them through, and they rearrange what a
/// person reads.
pub fn deceives(character: char) -> bool {
    (character.is_control() && !matches!(character, '\n' | '\t'))
        || matches!(character, '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}')
        || matches!(character, '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_rearranges_text_is_told_from_what_writes_it() {
        for hidden in ['\u{202E}', '\u{2066}', '\u{200B}', '\u{FEFF}', '\u{E0041}', '\0', '\u{85}'] {
            assert!(deceives(hidden), "{hidden:?}");
        }
        for plain in ['a', ' ', '\n', 'é', '日', '\u{200D}', '👍'] {
            assert!(!deceives(plain), "{plain:?}");
        }
    }

    #[test]
    fn foreign_text_is_tamed() {
        assert_eq!(presentable("ok (yes)"), "ok (yes)");
        assert_eq!(presentable("a\r\nb\"\\\u{202e}é"), "a??b????");
        assert_eq!(presentable(&"x".repeat(1000)).len(), 200);
    }

    #[test]
    fn a_secret_that_was_sent_is_cut_in_every_form() {
        let secret = "rt/1 Wonderful+secret=of~alice";
        let sent = Sent::default().with(&Secret::new(secret)).with(&Secret::new("code-7"));
        for echo in [
            secret,
            "rt%2F1+Wonderful%2Bsecret%3Dof%7Ealice",
            "rt%2f1%20Wonderful%2bsecret%3dof%7ealice",
            "RT/1 WONDERFUL+SECRET=OF~ALICE",
            "cnQvMSBXb25kZXJmdWwrc2VjcmV0PW9mfmFsaWNl",
            "code-7",
        ] {
            let said = format!("The grant {echo} is not known; é");
            assert_eq!(sent.presentable(&said), "The grant [cut] is not known; ?", "{echo}");
            assert!(sent.is_in(&said));
        }
        assert_eq!(sent.presentable("no rt/1 Wonderful+secr... here"), "no [cut]... here", "the beginning of it");
        assert_eq!(sent.presentable("a wonderful secret code"), "a wonderful secret code");
        assert!(!sent.is_in("read write"));
    }

    #[test]
    fn what_is_cut_off_is_cut_before() {
        let secret = Secret::new("0123456789abcdefghijklmnopqrstuvwxyz");
        let sent = Sent::default().with(&secret);
        let said = format!("{}{}", ".".repeat(190), secret.expose());
        assert_eq!(sent.presentable(&said), format!("{}[cut]", ".".repeat(190)));
    }

    #[test]
    fn each_place_is_looked_at_once_however_a_secret_repeats_itself() {
        let sent = Sent::default().with(&Secret::new("a".repeat(12 * 1024)));
        let text = "a".repeat(60 * 1024);
        let mut told = 0;
        sent.find(&text, |_, _| told += 1);
        assert_eq!(told, text.len() + 1 - TELLING);
        assert!(sent.is_in(&text));
        assert_eq!(sent.presentable(&text), "[cut]");
    }

    #[test]
    fn a_word_is_no_secret() {
        assert_eq!(Sent::default().with(&Secret::new("abc")).presentable("abc"), "abc");
        assert_eq!(Sent::default().presentable("a\nb"), "a?b");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn nothing_of_a_secret_is_shown(before in "\\PC{0,40}", secret in "[!-~]{4,40}", after in "\\PC{0,40}") {
            let sent = Sent::default().with(&Secret::new(secret.as_str()));
            let shown = sent.presentable(&format!("{before}{secret}{after}"));
            prop_assert!(!shown.contains(&presentable(&secret)) || CUT.contains(&secret), "{}", shown);
        }
    }
}
