//! The question before what cannot be undone.
//!
//! Not here: doing it.

use askama::Template;

use super::frame::ConsoleFrame;
use crate::page::link::web_target;
use crate::page::text::html;

/// "Do it?" No `Debug`: the form token answers for the operator.
#[derive(Template)]
#[template(path = "console/confirm.html")]
pub struct ConfirmPage {
    /// What surrounds it; its token is for this act alone. Posted with `decision` `yes`.
    pub frame: ConsoleFrame,
    /// What is asked.
    pub title: String,
    /// What becomes of it.
    pub consequence: String,
    /// What it is about.
    pub facts: Vec<(&'static str, String)>,
    /// What the button says.
    pub yes: &'static str,
    /// Where "Cancel" leads.
    pub back: String,
}

impl ConfirmPage {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }

    fn back_target(&self) -> &str {
        web_target(&self.back).unwrap_or("/")
    }
}
