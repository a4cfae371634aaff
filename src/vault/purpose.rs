//! What a key is for. Each purpose has keys of its own, so nothing made for one is good for another.
//!
//! Not here: the keys (`key_ring`).

/// A line for each purpose: its name, and the HKDF info string of its keys, which is part of what is at rest. To change
/// one makes its records unreadable.
macro_rules! purposes {
    ($($(#[$doc:meta])* $name:ident = $label:literal,)*) => {
        /// A use of the key ring.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Purpose {
            $($(#[$doc])* $name,)*
        }

        impl Purpose {
            /// All of them.
            pub const ALL: [Self; [$($label),*].len()] = [$(Self::$name),*];

            /// What tells its keys from those of others.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)*
                }
            }

            /// Whether what is sealed for it lies in storage, where nobody but the gateway puts anything: a client can
            /// present whatever it likes.
            pub(super) const fn is_at_rest(self) -> bool {
                matches!(
                    self,
                    Self::BrowserSession
                        | Self::Connection
                        | Self::Registration
                        | Self::Person
                        | Self::Catalogue
                        | Self::ApiKey
                        | Self::ProviderSession
                        | Self::Agent
                )
            }

            /// What is kept for it among what is kept for each, in the order of [`Purpose::ALL`].
            #[expect(non_snake_case, reason = "each is bound to the name of its purpose")]
            pub(super) const fn of<T>(self, each: &[T; Self::ALL.len()]) -> &T {
                let [$($name),*] = each;
                match self {
                    $(Self::$name => $name,)*
                }
            }
        }
    };
}

purposes! {
    /// Signs access tokens.
    AccessToken = "access token",
    /// Seals browser sessions in the directory.
    BrowserSession = "browser session",
    /// Seals the login that is under way into a cookie.
    LoginTransaction = "login transaction",
    /// Seals an authorization request into the consent form.
    ConsentTicket = "consent ticket",
    /// Seals an upstream's session id into ours.
    McpSession = "mcp session",
    /// Tags authorization codes.
    Code = "code",
    /// Tags refresh tokens.
    RefreshToken = "refresh token",
    /// Seals a subject's tokens at an upstream.
    Connection = "connection",
    /// Seals the `requestState` of an interrupted MCP request.
    RequestState = "request state",
    /// Seals the gateway's own registration at an upstream's issuer.
    Registration = "registration",
    /// Seals the `state` of an authorization at an upstream's issuer.
    UpstreamState = "upstream state",
    /// Seals what a link to a connect page asks for.
    ConnectLink = "connect link",
    /// Seals what a connect page's form is for.
    ConnectTicket = "connect ticket",
    /// Seals the token of the connections page's forms.
    ConnectionsForm = "connections form",
    /// Seals what a client registered into its id, and makes the secret that goes with it.
    ClientId = "client id",
    /// Seals who has signed in with an address.
    Person = "person",
    /// Seals what a server last said it is and has.
    Catalogue = "catalogue",
    /// Seals the tokens of the console's forms.
    OperatorForm = "operator form",
    /// Seals what is known of an API key.
    ApiKey = "api key",
    /// Makes the digests that stand for subjects in logs.
    LoggedSubject = "logged subject",
    /// Seals whose a session at the identity provider is.
    ProviderSession = "provider session",
    /// Seals what is known of an agent.
    Agent = "agent",
    /// Seals which sign-in a browser brings to a sign-in page of the operator's own.
    LoginTicket = "login ticket",
    /// Seals who signed in there, for the browser to bring back.
    LoginCode = "login code",
    /// Tags nonces for proofs of possession.
    DpopNonce = "dpop nonce",
}
