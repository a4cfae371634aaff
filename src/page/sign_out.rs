//! The question whether to sign out: a link anywhere on the web may lead to it, so opening it ends nothing.
//!
//! Not here: signing out.

use askama::Template;

use super::text::html;

/// "Sign out?"
#[derive(Template)]
#[template(path = "sign_out.html")]
pub struct SignOut {
    /// Where the answer is posted; may carry a query that leads back to where the person was.
    pub action: String,
}

impl SignOut {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }
}
