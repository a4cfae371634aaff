//! No line is wider than what rustfmt is set to. It leaves comments, long texts and macros as they are.
//!
//! Not here: tests, whose golden texts are what they are.

use super::{files, none};

const WIDEST: usize = 120;

#[test]
fn no_line_is_wider_than_rustfmt_is_set_to() {
    let settings = std::fs::read_to_string("rustfmt.toml").unwrap();
    assert!(settings.contains(&format!("max_width = {WIDEST}\n")));
    let product = files("src").into_iter().filter(|file| !file.is_of_tests());
    let offences = product.flat_map(|file| {
        let name = file.name();
        let code = file.text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let wide =
            code.lines().enumerate().filter(|(_, line)| line.chars().count() > WIDEST && !is_of_one_line(&name, line));
        wide.map(|(n, line)| format!("{name}:{}: {}", n + 1, line.trim())).collect::<Vec<_>>()
    });
    none(offences, "no line above the width");
}

/// What cannot be broken: a raw text; an attribute; and what is said of a field of the configuration, which is the text
/// of its schema.
fn is_of_one_line(file: &str, line: &str) -> bool {
    let line = line.trim_start();
    line.contains("r#\"")
        || line.starts_with("#[")
        || file.starts_with("src/config/document/") && line.starts_with("///")
}
