//! What was probably meant by a word that is slightly wrong.
//!
//! Not here: which words there are.

/// Longer words are compared with nothing: the cost grows with the product of the lengths.
const LONGEST: usize = 64;

/// The known word that is only a typing mistake or two away: one for every three letters.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let known = known.filter(|other| other.len() <= LONGEST);
    let distances = known.map(|other| (strsim::osa_distance(&word, &other.to_ascii_lowercase()), other));
    distances
        .filter(|(distance, other)| distance * 3 <= other.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let meant = |word| nearest(word, ["url", "path", "name", "description", "timeout_seconds"].into_iter());
        for (word, expected) in [
            ("ulr", Some("url")),
            ("URL", Some("url")),
            ("nmae", Some("name")),
            ("timeout", None),
            ("timeout_second", Some("timeout_seconds")),
            ("descripton", Some("description")),
            ("tools", None),
            ("", None),
        ] {
            assert_eq!(meant(word), expected, "{word}");
        }
        assert_eq!(meant(&"url".repeat(100_000)), None);
    }
}
