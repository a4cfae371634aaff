//! Whose gateway it is: the operator's name and colour, put on a page when it is done.
//!
//! Pages are written without it, so no flow has to carry it and the pages of failures wear it as well. The places are
//! the layout's own tags: foreign text is escaped and cannot look like one.
//!
//! Not here: what an operator may write (`config`).

use askama::filters::{Html, escape};
use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};

use super::assets::NAME;

/// Red, green and blue.
pub type Colour = [u8; 3];

/// The operator's name and colour; what is absent stays as the layout has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brand<'a> {
    /// What people call the gateway.
    pub name: Option<&'a str>,
    /// The colour of buttons and links.
    pub accent: Option<Colour>,
}

/// The colours of text and grounds that an accent stands beside, as the stylesheet has them, in the light and in the
/// dark.
const LIGHT: Ground = Ground { surface: [255, 255, 255], page: [246, 247, 249], ink: [0, 0, 0], tint: 8 };
const DARK: Ground = Ground { surface: [22, 24, 30], page: [13, 14, 18], ink: [255, 255, 255], tint: 18 };
/// The mark of the layout's icon, which is no stylesheet's.
const ICON: &str = "fill='%233b5bdb'";
/// Of text that is not large (WCAG 2.2, 1.4.3).
const LEGIBLE: f32 = 4.5;

struct Ground {
    surface: Colour,
    page: Colour,
    /// What an accent is mixed with until it can be read.
    ink: Colour,
    /// How many hundredths of the accent the tint has.
    tint: u32,
}

impl Brand<'_> {
    /// The page in the operator's name and colour.
    pub fn put_on(&self, page: &str) -> String {
        let mut page = page.to_owned();
        if let Some(name) = self.name.and_then(|name| escape(name, Html).ok()) {
            for end in ["</title>", "</span>"] {
                page = page.replacen(&format!("{NAME}{end}"), &format!("{name}{end}"), 1);
            }
        }
        if let (Some(style), Some([red, green, blue])) = (self.style(), self.accent) {
            page = page.replacen("</head>", &format!("<style>{style}</style>\n</head>"), 1);
            page = page.replacen(ICON, &format!("fill='%23{red:02x}{green:02x}{blue:02x}'"), 1);
        }
        page
    }

    /// The page's policy with the style that [`Self::put_on`] adds.
    pub fn allow_in(&self, policy: &str) -> String {
        let Some(style) = self.style() else { return policy.to_owned() };
        let hash = Base64::encode_string(&Sha256::digest(style.as_bytes()));
        policy.replacen("style-src ", &format!("style-src 'sha256-{hash}' "), 1)
    }

    fn style(&self) -> Option<String> {
        let accent = self.accent?;
        let mark = format!("--mark:{};--on-mark:{}", css(accent), css(readable_on(accent)));
        let (light, dark) = (shades(accent, &LIGHT), shades(accent, &DARK));
        Some(format!(":root{{{light};{mark}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"))
    }
}

/// The accent and its kin, so that each can be read where it stands.
fn shades(accent: Colour, ground: &Ground) -> String {
    let tint = mix(ground.surface, accent, ground.tint);
    let places = [ground.surface, ground.page, tint];
    let fits = |colour: &Colour| places.iter().all(|place| contrast(*colour, *place) >= LEGIBLE);
    let accent = (0..=100).map(|percent| mix(accent, ground.ink, percent)).find(fits).unwrap_or(ground.ink);
    let (hover, on) = (mix(accent, ground.ink, 14), readable_on(accent));
    format!("--accent:{};--accent-hover:{};--on-accent:{};--tint:{}", css(accent), css(hover), css(on), css(tint))
}

/// Black or white, whichever is read more easily there.
fn readable_on(colour: Colour) -> Colour {
    if contrast([255; 3], colour) >= contrast([0; 3], colour) { [255; 3] } else { [0; 3] }
}

fn mix(from: Colour, to: Colour, percent: u32) -> Colour {
    let [[r, g, b], [tr, tg, tb]] = [from, to];
    let part = |from: u8, to: u8| {
        let mixed = (u32::from(from) * (100 - percent) + u32::from(to) * percent) / 100;
        u8::try_from(mixed).unwrap_or(u8::MAX)
    };
    [part(r, tr), part(g, tg), part(b, tb)]
}

/// WCAG 2.2, "contrast ratio".
fn contrast(one: Colour, other: Colour) -> f32 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// WCAG 2.2, "relative luminance"; sRGB's curve by its usual cubic, which is within 0.001 of it and needs no power
/// function in wasm.
fn luminance([red, green, blue]: Colour) -> f32 {
    let linear = |channel: u8| {
        let value = f32::from(channel) / 255.0;
        value * (value * (value * 0.305_306 + 0.682_171_1) + 0.012_522_878)
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

fn css([red, green, blue]: Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(style: &str, name: &str) -> Colour {
        let hex = style.split_once(&format!("{name}:#")).unwrap().1.get(..6).unwrap();
        let [_, red, green, blue] = u32::from_str_radix(hex, 16).unwrap().to_be_bytes();
        [red, green, blue]
    }

    #[test]
    fn contrast_is_that_of_the_definition() {
        for (one, other, ratio) in [
            ([0, 0, 0], [255, 255, 255], 21.0),
            ([118, 118, 118], [255, 255, 255], 4.54),
            ([0x3b, 0x5b, 0xdb], [255, 255, 255], 5.65),
        ] {
            assert!((contrast(one, other) - ratio).abs() < 0.1, "{one:?}: {}", contrast(one, other));
        }
    }

    #[test]
    fn a_colour_that_can_be_read_is_kept() {
        assert_eq!(value(&shades([0, 0x50, 0x40], &LIGHT), "--accent"), [0, 0x50, 0x40]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_colour_can_be_read_in_the_light_and_in_the_dark(accent in any::<[u8; 3]>()) {
            for ground in [&LIGHT, &DARK] {
                let style = shades(accent, ground);
                let [shown, on, tint] = ["--accent", "--on-accent", "--tint"].map(|name| value(&style, name));
                for place in [ground.surface, ground.page, tint] {
                    prop_assert!(contrast(shown, place) >= LEGIBLE, "{style}");
                }
                prop_assert!(contrast(on, shown) >= LEGIBLE, "{style}");
            }
        }
    }
}
