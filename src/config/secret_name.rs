//! The name of a deployment secret: all the configuration ever says about one, and where it says so.
//!
//! Not here: the secret (`ports::Secrets`).

use std::fmt;

use super::document::SecretDocument;
use super::near;
use super::report::{ConfigError, Pointer, Report};

const LONGEST: usize = 64;

/// The gateway's own: no server, provider or client may be sent what seals its tokens, opens its configuration or
/// proves who it is.
const OWN: &[&str] = &["ADMIN_TOKEN", "DEPLOYMENT_KEY", "KEY_RING"];

/// A name such as `LOGIN_CLIENT_SECRET`: capital letters, digits and `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretName {
    name: String,
    at: Pointer,
}

impl SecretName {
    /// Proves the name at `<at>/secret`. The text is never repeated: it may be the secret itself, pasted where its name
    /// belongs.
    pub(super) fn prove(document: SecretDocument, at: &Pointer, report: &mut Report) -> Option<Self> {
        let name = document.secret;
        if OWN.contains(&name.as_str()) {
            let problem = format!("is {name}, a secret of the gateway itself, which is sent to nobody");
            report.add(&at.child("secret"), problem, "store the other side's secret under a name of its own");
            return None;
        }
        let rest = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        if name.len() <= LONGEST && name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().all(rest) {
            return Some(Self { name, at: at.child("secret") });
        }
        report.add(
            &at.child("secret"),
            "is not the name of a secret (not shown here, in case it is the secret itself)",
            "write a name of capital letters, digits and _, such as \"LOGIN_CLIENT_SECRET\", and store the value with \
             `wrangler secret put LOGIN_CLIENT_SECRET`",
        );
        None
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The error of a deployment that holds other secrets, of these names, but not this one.
    pub fn is_missing(&self, others: &[String]) -> ConfigError {
        let own = |other: &&str| !OWN.contains(other);
        let meant = near::nearest(&self.name, others.iter().map(String::as_str).filter(own));
        let meant = meant.map(|other| format!("write \"{other}\" if that is meant, or ")).unwrap_or_default();
        ConfigError {
            pointer: self.at.to_string(),
            problem: format!("names the secret {self}, which is not set in this deployment"),
            fix: format!(
                "{meant}add {self}=… to the file given with --env-file (`npx wrangler secret put {self}` sets it alone)"
            ),
        }
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_passes_and_nothing_else_is_repeated() {
        let prove = |secret: &str, report: &mut Report| {
            SecretName::prove(SecretDocument { secret: secret.to_owned() }, &Pointer::default().child("x"), report)
        };
        let mut report = Report::default();
        assert_eq!(prove("DOCS_KEY_2", &mut report).unwrap().as_str(), "DOCS_KEY_2");
        for secret in ["", "_KEY", "2KEY", "sk-live-hunter2", "key", "KEY hunter2", "KÄY", &"K".repeat(65)] {
            let mut report = Report::default();
            assert_eq!(prove(secret, &mut report), None, "{secret}");
            let errors = report.into_errors();
            assert_eq!(errors.0[0].pointer, "/x/secret");
            assert!(!errors.to_string().contains("hunter2"), "{errors}");
        }
    }

    #[test]
    fn the_gateways_own_secrets_are_sent_to_nobody() {
        for secret in OWN {
            let mut report = Report::default();
            let document = SecretDocument { secret: (*secret).to_owned() };
            assert_eq!(SecretName::prove(document, &Pointer::default().child("x"), &mut report), None);
            assert_eq!(report.into_errors().0[0].pointer, "/x/secret");
        }
    }
}
