//! What surrounds every page of the console: who is here, the other pages, and what its forms carry.
//!
//! Not here: what the pages show.

/// What surrounds every page of the console. No `Debug`: the form token answers for the operator.
pub struct ConsoleFrame {
    /// Who is signed in, as people say it.
    pub signed_in: String,
    /// Where "Sign out" is posted.
    pub sign_out: String,
    /// The pages.
    pub tabs: Vec<ConsoleTab>,
    /// What was just done.
    pub news: Option<String>,
    /// The sealed token of this page's forms, posted back as the field `form`.
    pub form: String,
    /// Where the page's forms are posted: `act` says what is wanted.
    pub action: String,
    /// The request, as in the logs and the response header.
    pub request_id: String,
}

/// One page of the console, as the others lead to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleTab {
    /// What it is called.
    pub label: &'static str,
    /// Its path.
    pub path: &'static str,
    /// Whether it is this one.
    pub current: bool,
}
