//! The addresses that one issuer has here: where it sends people back to, and the gateway's client document for it.
//!
//! Not here: which of them a path is (`web::route`), what is in the document (`flow::upstream`).

use url::{Url, form_urlencoded};

use crate::secret::Digested;

pub(super) const CALLBACK: &str = "/oauth/upstream-callback/";
pub(super) const DOCUMENT: &str = "/oauth/client-metadata/";
pub(super) const DOCUMENT_END: &str = ".json";
/// Of an issuer in the address of its document, encoded.
const LONGEST_ISSUER: usize = 600;

/// What stands for an issuer in URLs of ours: computed, so that nothing has to be kept of it.
pub fn of_issuer(issuer: &str) -> Digested {
    Digested::of(issuer)
}

/// Where an issuer sends people back to.
pub fn issuer_callback_path(issuer: &str) -> String {
    format!("{CALLBACK}{issuer}")
}

/// The gateway's client metadata document for an issuer. It says in its own address whose it is, as whoever it is shown
/// to has to know: nothing is kept of the issuer, and of a digest nobody reads it.
pub fn issuer_document_path(issuer: &str) -> String {
    let named: String = form_urlencoded::byte_serialize(issuer.as_bytes()).collect();
    if named_issuer(&named).is_some() {
        format!("{DOCUMENT}{named}{DOCUMENT_END}")
    } else {
        unnamed_document_path(&of_issuer(issuer))
    }
}

/// The document as it was before its address named the issuer: what was connected with it is still renewed. One for an
/// issuer that cannot be named is there as well.
pub fn unnamed_document_path(issuer: &Digested) -> String {
    format!("{DOCUMENT}{}{DOCUMENT_END}", issuer.as_str())
}

/// The issuer in the address of a document: anybody can write that, so it is a plain web address, of bounded length,
/// written in one way.
pub fn named_issuer(encoded: &str) -> Option<(String, Url)> {
    let (issuer, _) = form_urlencoded::parse(encoded.as_bytes()).next().filter(|_| encoded.len() <= LONGEST_ISSUER)?;
    let url = Url::parse(&issuer).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())?;
    let plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    let same = form_urlencoded::byte_serialize(issuer.as_bytes()).collect::<String>() == encoded;
    (plain && same).then(|| (issuer.into_owned(), url))
}
