//! The sign-in page of development: pick an account, no password.
//!
//! Not here: the rule that it is only ever served on a loopback origin (`config`, `flow`).

use askama::Template;

use super::text::html;

/// "Who do you want to be?" No `Debug`: `state` ties the choice to one browser.
#[derive(Template)]
#[template(path = "dev_login.html")]
pub struct DevLogin {
    /// Who can be chosen: each is one button, `account` is its subject.
    pub accounts: Vec<DevLoginAccount>,
    /// Where the choice is posted.
    pub action: String,
    /// Posted back as the field `state`.
    pub state: String,
}

/// One account to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevLoginAccount {
    /// Its subject, posted back.
    pub subject: String,
    /// Its display name.
    pub name: Option<String>,
    /// Its address.
    pub email: Option<String>,
}

impl DevLogin {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }
}

impl DevLoginAccount {
    fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.subject)
    }

    fn detail(&self) -> &str {
        self.email.as_deref().unwrap_or(&self.subject)
    }
}
