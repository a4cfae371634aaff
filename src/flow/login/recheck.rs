//! What the provider gave to be asked again with about somebody: kept at every sign-in, in their connection to the
//! login.
//!
//! Nothing of it is replicated: only a request for tokens, a client's or an agent's, needs it. Not here: asking
//! (`flow::token::recheck`), and dropping it with everything of a subject's (`flow::leaving`).

use crate::config::Oidc;
use crate::flow::RequestContext;
use crate::login::oidc::discovery::Provider;
use crate::oauth_client::client_auth::GatewayClient;
use crate::ports::{Platform, Unavailable};
use crate::secret::{Digested, Secret};
use crate::upstream::connection::{Command, Outcome};
use crate::upstream::credential::{Credential, CredentialKind, Oauth, Token};
use crate::upstream::key::ConnectionKey;
use crate::vault::Purpose;
use crate::web::failure::Failure;

/// People go on, and the provider cannot be asked about them.
pub(super) const UNASKABLE: &str = "sign_in_not_rechecked";

/// What the kept token is good for: another client, or another provider, does not know it.
pub fn binding(login: &Oidc) -> Digested {
    Digested::of(&format!("login\n{}\n{}", login.issuer, login.client_id))
}

/// Keeps what a sign-in brought. One that brought nothing leaves what is there, unless that is dead or cannot be
/// opened: who is let in again must not go on being out. Answers whether the provider can be asked.
pub(super) async fn keep<P: Platform>(
    context: &RequestContext<'_, P>,
    login: &Oidc,
    provider: &Provider,
    subject: &str,
    refresh_token: Option<Secret>,
) -> Result<bool, Failure> {
    let key = ConnectionKey::of_login(subject);
    let Some(refresh_token) = refresh_token else {
        return match command(context, &key, Command::Read).await? {
            Outcome::Live { sealed, .. } => match open(context, &key, &sealed) {
                Some(credential) => Ok(credential.binding == binding(login)),
                None => command(context, &key, Command::Drop).await.map(|_| false),
            },
            Outcome::Dead { .. } => command(context, &key, Command::Drop).await.map(|_| false),
            _ => Ok(false),
        };
    };
    let oauth = Oauth {
        issuer: login.issuer.clone(),
        resource: None,
        client: GatewayClient::public(&login.client_id),
        token_endpoint: provider.token_endpoint.to_string(),
        revocation_endpoint: None,
        refresh_token: Some(refresh_token),
        token: no_access(context),
    };
    let credential = Credential::new(binding(login), context.now, CredentialKind::Oauth(Box::new(oauth)));
    let command = command(context, &key, Command::Store { sealed: seal(context, &key, &credential) });
    command.await.map(|_| true)
}

/// An access token is of use at the moment it comes, and is not kept. What is kept of it is when that was.
pub fn no_access<P>(context: &RequestContext<'_, P>) -> Token {
    Token { access_token: Secret::new(""), expires: None, obtained: context.now, scope: None }
}

/// Seals it to its connection.
pub fn seal<P: Platform>(context: &RequestContext<'_, P>, key: &ConnectionKey, credential: &Credential) -> String {
    context.keys.seal_json(Purpose::Connection, &key.place(), context.platform.random(), credential)
}

/// Opens what was sealed to it; none where the key for that is gone.
pub fn open<P: Platform>(context: &RequestContext<'_, P>, key: &ConnectionKey, sealed: &str) -> Option<Credential> {
    context.keys.open_json(Purpose::Connection, &key.place(), sealed).ok()
}

/// Tells the connection something.
pub async fn command<P: Platform>(
    context: &RequestContext<'_, P>,
    key: &ConnectionKey,
    command: Command,
) -> Result<Outcome, Failure> {
    context.platform.connection(key, command).await.map_err(|Unavailable| Failure::storage())
}
