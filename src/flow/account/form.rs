//! What the forms of a person's own pages have in common: one line of text, how long something is to last, what can be
//! chosen.
//!
//! Not here: what proves a form (`flow::account::connections`), and what is done with it.

use crate::page::FormChoice;
use crate::time::Lifetime;
use crate::web::form::Form;

/// How long a person's key or agent may last: days, and how they are said.
pub(super) const LIFETIMES: [(&str, u64, &str); 4] =
    [("7", 7, "7 days"), ("30", 30, "30 days"), ("90", 90, "90 days"), ("365", 365, "One year")];
pub(super) const SUGGESTED: &str = "90";

/// How long what a form asks for is to last.
pub(super) fn lifetime(form: &Form) -> Option<Lifetime> {
    let days = form.one("days").ok().flatten();
    LIFETIMES.into_iter().find(|(name, ..)| Some(*name) == days).map(|(_, days, _)| Lifetime::days(days))
}

/// What was written in one line; the form has a field for a whole text too.
pub(super) fn line<'f>(form: &'f Form, name: &str) -> Option<&'f str> {
    let text = form.one(name).ok().flatten()?.trim();
    Some(text).filter(|text| !text.is_empty() && !text.contains(char::is_control))
}

pub(super) fn choice(name: &str, title: &str) -> FormChoice {
    FormChoice { name: name.to_owned(), title: title.to_owned() }
}
