//! One table for an error: its stable reason codes, each beside the words that explain it.
//!
//! Not here: who must act and what to do (`web::failure`), and which reasons there are.

use std::fmt;

/// `reason()` and `Display` of an enum, a line for each form of it: `Variant => "reason_code", "words of {a_field}";`.
/// A variant with words of two forms has two lines.
macro_rules! reasons {
    ($name:ident: $(
        $variant:ident $(($($tuple:pat),+))? $({$($fields:tt)*})? $(if $guard:expr)?
            => $code:literal, $text:literal $(, $value:expr)*;
    )+) => {
        impl $name {
            /// The stable code of bodies, logs and analytics.
            pub fn reason(&self) -> &'static str {
                self.told(|reason, _| reason)
            }

            fn told<T>(&self, to: impl FnOnce(&'static str, ::std::fmt::Arguments<'_>) -> T) -> T {
                match self {
                    $(Self::$variant $(($($tuple),+))? $({$($fields)*})? $(if $guard)? => {
                        to($code, ::std::format_args!($text $(, $value)*))
                    })+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.told(|_, text| f.write_fmt(text))
            }
        }
    };
}
pub(crate) use reasons;

/// What somebody else said of it, where they did, to follow our own words.
pub(crate) struct Noted<'a>(pub(crate) &'a Option<String>);

impl fmt::Display for Noted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |description| write!(f, " ({description})"))
    }
}
