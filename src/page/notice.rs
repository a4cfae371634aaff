//! The page for everything that ends here: errors, and confirmations such as "signed out".
//!
//! Not here: the words. They come from the failure that is shown.

use askama::Template;

use super::link::PageLink;
use super::support::SupportCopy;
use super::text::html;

/// What happened, what to do, and what to tell support.
#[derive(Debug, Template)]
#[template(path = "notice.html")]
pub struct Notice {
    /// Whether it is bad news.
    pub tone: Tone,
    /// The heading, without a full stop.
    pub title: String,
    /// What happened, in one or two sentences.
    pub happened: String,
    /// What the person can do about it; empty where nothing is to be done.
    pub todo: String,
    /// What was compared or found, such as the requested and the registered redirect URIs. Values are shown
    /// verbatim, several of them one per line.
    pub facts: Vec<(String, String)>,
    /// The stable reason code.
    pub reason: Option<&'static str>,
    /// The server concerned.
    pub slug: Option<String>,
    /// The request, as in the logs and the response header.
    pub request_id: String,
    /// Where to go from here.
    pub link: Option<PageLink>,
    /// What support can be sent.
    pub support: Option<SupportCopy>,
}

/// What kind of news a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something failed.
    Error,
    /// Something was done as asked.
    Success,
}

impl Notice {
    /// The page.
    pub fn render(&self) -> String {
        html(self)
    }

    /// Whether the gateway's other pages may help: not after good news, and not where they would all say the same.
    fn leads_on(&self) -> bool {
        let same = ["host_not_allowed", "not_configured", "keys_", "storage_"];
        let reason = self.reason.unwrap_or_default();
        self.tone == Tone::Error && !same.iter().any(|beginning| reason.starts_with(beginning))
    }
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Success => "success",
        }
    }
}
