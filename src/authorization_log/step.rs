//! The steps of an authorization, as the log names them.
//!
//! Not here: what they came to (`entry`), and who takes them (`flow`).

/// What a request has to get through, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorizationStep {
    /// The client is known.
    Client,
    /// The client proved itself.
    ClientAuthentication,
    /// An answer may be sent where the request says.
    RedirectUri,
    /// The request is in order.
    Request,
    /// Somebody is signed in.
    SignIn,
    /// What the browser came back with belongs to a sign-in or a connection that it began.
    State,
    /// The identity provider, or the development sign-in, said who it is.
    Identity,
    /// The browser session began.
    Session,
    /// The person allowed the client.
    Consent,
    /// The account at the server.
    Connection,
    /// The authorization server of a server answered.
    IssuerAnswer,
    /// What was entered was tried at the server.
    Trial,
    /// The credential was kept.
    Kept,
    /// The code was issued, or redeemed.
    Code,
    /// The refresh token was used.
    RefreshToken,
    /// Another issuer said who it is.
    Assertion,
    /// The access token was issued, or presented.
    AccessToken,
    /// Nothing of it was revoked.
    Revocation,
    /// The scope that every call needs.
    Scope,
    /// What policy decided.
    Policy,
    /// What an operator did.
    Act,
}

impl AuthorizationStep {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::ClientAuthentication => "client_authentication",
            Self::RedirectUri => "redirect_uri",
            Self::Request => "request",
            Self::SignIn => "sign_in",
            Self::State => "state",
            Self::Identity => "identity",
            Self::Session => "session",
            Self::Consent => "consent",
            Self::Connection => "connection",
            Self::IssuerAnswer => "issuer_answer",
            Self::Trial => "trial",
            Self::Kept => "kept",
            Self::Code => "code",
            Self::RefreshToken => "refresh_token",
            Self::Assertion => "assertion",
            Self::AccessToken => "access_token",
            Self::Revocation => "revocation",
            Self::Scope => "scope",
            Self::Policy => "policy",
            Self::Act => "act",
        }
    }
}
