//! Whose gateway it is: a name and a colour for its pages.
//!
//! Not here: what a page makes of them, and that the colour can be read (`page::brand`).

use super::document::BrandingDocument;
use super::report::{Complaint, Pointer, Report, shown};
use super::text;
use crate::untrusted::deceives;

const LONGEST: usize = 40;

/// What the gateway's pages are called and coloured; what is absent is the gateway's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Branding {
    /// What people call the gateway.
    pub name: Option<String>,
    /// Red, green and blue of buttons and links.
    pub accent: Option<[u8; 3]>,
}

impl Branding {
    /// What the gateway is called.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("MCP gateway")
    }
}

pub(super) fn prove(document: BrandingDocument, at: &Pointer, report: &mut Report) -> Branding {
    let name = document.name.and_then(|text| report.check(&at.child("name"), name(text)));
    let accent = document.accent.and_then(|text| report.check(&at.child("accent"), colour(&text)));
    Branding { name, accent }
}

fn name(text: String) -> Result<String, Complaint> {
    if text.chars().any(deceives) {
        let problem = format!("is {}, which holds invisible characters", shown(&text));
        return Err(Complaint::new(problem, "write it with letters, digits, spaces and signs that can be seen"));
    }
    text::label(text, LONGEST)
}

/// `#rgb` or `#rrggbb`.
fn colour(text: &str) -> Result<[u8; 3], Complaint> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    let value = u32::from_str_radix(digits, 16).ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    match (digits.len(), value.map(u32::to_be_bytes)) {
        (6, Some([_, red, green, blue])) => Ok([red, green, blue]),
        (3, Some([_, _, red, pair])) => Ok([red, pair >> 4, pair & 15].map(|digit| digit * 17)),
        _ => {
            let problem = format!("is {}, which is not a colour", shown(text));
            Err(Complaint::new(problem, "write it as #rrggbb or #rgb, such as \"#3b5bdb\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Config;
    use crate::config::tests::{complete, refused};

    fn of(branding: &serde_json::Value) -> Branding {
        let mut document = complete();
        document["branding"] = branding.clone();
        Config::parse(&document.to_string()).unwrap().branding
    }

    #[test]
    fn a_name_and_a_colour_are_each_optional() {
        let both = Branding { name: Some("Acme tools".to_owned()), accent: Some([0, 0xaa, 0x77]) };
        assert_eq!(of(&json!({"name": "Acme tools", "accent": "#0a7"})), both);
        assert_eq!(of(&json!({"name": "Ünïted 工具"})).name.as_deref(), Some("Ünïted 工具"));
        assert_eq!(of(&json!({"accent": "#3B5bdb"})).accent, Some([0x3b, 0x5b, 0xdb]));
        assert_eq!(of(&json!({})), Branding::default());
    }

    #[test]
    fn what_would_deceive_or_is_no_colour_is_refused() {
        for name in ["", "  ", "Acme\nTools", "A\u{202E}cme", "Acme\u{200B}", &"x".repeat(41)] {
            refused("/branding/name", json!(name), &[]);
        }
        for accent in
            ["", "#", "0a7", "#0a", "#0a77", "#+a7", "#00aa7g", "#00aa7700", "red", "#0a7;}", "rgb(0,0,0)", "#０a7"]
        {
            refused("/branding/accent", json!(accent), &["#rrggbb"]);
        }
    }
}
