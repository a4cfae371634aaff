//! What a key is for. Each purpose has keys of its own, so nothing made for one is good for another.
//!
//! Not here: the keys (`key_ring`).

/// A use of the key ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signs access tokens.
    AccessToken,
    /// Seals browser sessions in the directory.
    BrowserSession,
    /// Seals the login that is under way into a cookie.
    LoginTransaction,
    /// Seals an authorization request into the consent form.
    ConsentTicket,
    /// Seals an upstream's session id into ours.
    McpSession,
    /// Tags authorization codes.
    Code,
    /// Tags refresh tokens.
    RefreshToken,
    /// Seals a subject's tokens at an upstream.
    Connection,
    /// Seals the `requestState` of an interrupted MCP request.
    RequestState,
    /// Seals the gateway's own registration at an upstream's issuer.
    Registration,
    /// Seals the `state` of an authorization at an upstream's issuer.
    UpstreamState,
    /// Seals what a link to a connect page asks for.
    ConnectLink,
    /// Seals what a connect page's form is for.
    ConnectTicket,
    /// Seals the token of the connections page's forms.
    ConnectionsForm,
    /// Seals what a client registered into its id, and makes the secret that goes with it.
    ClientId,
    /// Seals who has signed in with an address.
    Person,
}

impl Purpose {
    /// The HKDF info string. It is part of what is at rest: changing one makes its records unreadable.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::AccessToken => "access token",
            Self::BrowserSession => "browser session",
            Self::LoginTransaction => "login transaction",
            Self::ConsentTicket => "consent ticket",
            Self::McpSession => "mcp session",
            Self::Code => "code",
            Self::RefreshToken => "refresh token",
            Self::Connection => "connection",
            Self::RequestState => "request state",
            Self::Registration => "registration",
            Self::UpstreamState => "upstream state",
            Self::ConnectLink => "connect link",
            Self::ConnectTicket => "connect ticket",
            Self::ConnectionsForm => "connections form",
            Self::ClientId => "client id",
            Self::Person => "person",
        }
    }
}
