//! A value as one line of a log.
//!
//! Not here: what is in it.

use std::fmt::Write;

use serde::Serialize;

use crate::untrusted::deceives;

/// A value as one line, whatever reads it: JSON leaves characters as they are that other readers break lines at, or
/// that move a terminal.
pub(super) fn written(value: &impl Serialize) -> Option<String> {
    // Texts and numbers, so there is no failure to report.
    let line = serde_json::to_string(value).ok()?;
    if line.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Some(line);
    }
    let mut escaped = String::with_capacity(line.len() + 64);
    for character in line.chars() {
        if character.is_control() || deceives(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // A text takes whatever is written.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    Some(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_it_breaks_a_line_or_moves_a_terminal_and_nothing_is_lost() {
        for text in [
            "plain",
            "日本 é",
            "a\r\nb",
            "\u{1b}[31m",
            "\u{85}\u{2028}\u{2029}",
            "\u{7f}\u{202e}\u{e0041}",
            "\"\\u2028",
        ] {
            let line = written(&text).unwrap();
            assert!(!line.contains(|c: char| c.is_control() || deceives(c)), "{line}");
            assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }
}
