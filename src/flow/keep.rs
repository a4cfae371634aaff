//! A connection where it is kept: stored when somebody connected, looked at, and dropped when they disconnect.
//!
//! Not here: using and refreshing it (`flow::connection`), getting what is stored (`flow::connect`, `flow::callback`).

use super::{Site, connection, upstream};
use crate::config::{Auth, Server};
use crate::failure::Failure;
use crate::oauth::account;
use crate::ports::{Platform, Unavailable};
use crate::secret::Digested;
use crate::upstream::connection::{Command, Outcome};
use crate::upstream::credential::{Credential, Kind};
use crate::upstream::key::{ConnectionKey, Owner};
use crate::upstream::replica::Replica;
use crate::vault::Purpose;

/// What is kept under a key.
pub enum Kept {
    /// Nothing, or nothing that can be used: sealed under a key that is gone, or for what the server was before.
    Absent,
    /// A credential the upstream takes, as far as is known.
    Live(Credential),
    /// A credential the upstream does not take any more.
    Dead(Credential),
}

impl Kept {
    /// What it may do, where that is known.
    pub fn into_scope(self) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Live(credential) | Self::Dead(credential) => credential.token().and_then(|token| token.scope.clone()),
        }
    }
}

/// What a credential for this server is made for. One that says something else is not used.
pub fn fits(server: &Server) -> Digested {
    Digested::of(&server.fits())
}

/// What is kept.
pub async fn read<P: Platform>(site: &Site<'_, P>, server: &Server, key: &ConnectionKey) -> Result<Kept, Failure> {
    let open = |sealed: &str| {
        let credential = open(site, key, sealed)?;
        suits(server, &credential).then_some(credential)
    };
    Ok(match command(site, key, Command::Read).await? {
        Outcome::Live { sealed, .. } => open(&sealed).map_or(Kept::Absent, Kept::Live),
        Outcome::Dead { sealed: Some(sealed), .. } => open(&sealed).map_or(Kept::Absent, Kept::Dead),
        _ => Kept::Absent,
    })
}

/// Keeps what somebody connected, instead of whatever was there, and lists it for a person. `label` is what they call it.
pub async fn store<P: Platform>(
    site: &Site<'_, P>,
    key: &ConnectionKey,
    credential: &Credential,
    label: Option<&str>,
) -> Result<(), Failure> {
    if let Owner::Subject(subject) = key.owner() {
        // Listed first: what is kept without being listed could not be disconnected.
        let connection = account::ConnectedAccount {
            slug: key.slug().to_owned(),
            account: key.account().to_owned(),
            label: label.unwrap_or_default().to_owned(),
            at: site.now,
        };
        let listed = site.platform.account(subject, account::Command::AddConnection { connection }).await;
        listed.map_err(|Unavailable| Failure::storage())?;
    }
    let sealed = site.keys.seal_json(Purpose::Connection, &key.place(), site.platform.random(), credential);
    match command(site, key, Command::Store { sealed: sealed.clone() }).await? {
        Outcome::Stored { generation } => {
            connection::forget(site, key);
            // Should it fail, the next call asks the object.
            let _ = connection::replicate(site, key, &Replica::new(generation, sealed)).await;
            Ok(())
        }
        _ => Err(Failure::storage()),
    }
}

/// Drops what is kept, and tells the upstream where that can be done. Whatever it answers, the gateway has forgotten it.
pub async fn drop<P: Platform>(site: &Site<'_, P>, key: &ConnectionKey) -> Result<(), Failure> {
    let dropped = command(site, key, Command::Drop).await?;
    connection::forget(site, key);
    site.platform.delete(key.name()).await.map_err(|Unavailable| Failure::storage())?;
    if let Owner::Subject(subject) = key.owner() {
        let (slug, account) = (key.slug().to_owned(), key.account().to_owned());
        let unlisted = site.platform.account(subject, account::Command::ForgetConnection { slug, account }).await;
        unlisted.map_err(|Unavailable| Failure::storage())?;
    }
    let Outcome::Dropped { sealed: Some(sealed) } = dropped else { return Ok(()) };
    if let Some(Credential { kind: Kind::Oauth(oauth), .. }) = open(site, key, &sealed) {
        upstream::revoke(site, &oauth).await;
    }
    Ok(())
}

/// A sealed credential of this connection. `None` for one that was changed, moved here from elsewhere, or whose key is gone.
pub fn open<P: Platform>(site: &Site<'_, P>, key: &ConnectionKey, sealed: &str) -> Option<Credential> {
    site.keys.open_json(Purpose::Connection, &key.place(), sealed).ok()
}

/// Whether a credential is for what the server is now. The operator may have named another authorization server since.
pub fn suits(server: &Server, credential: &Credential) -> bool {
    credential.fits == fits(server) && admits(server, credential)
}

fn admits(server: &Server, credential: &Credential) -> bool {
    match (&server.auth, &credential.kind) {
        (Auth::OAuth(oauth), Kind::Oauth(held)) => oauth.admits_issuer(&held.issuer),
        _ => true,
    }
}

async fn command<P: Platform>(site: &Site<'_, P>, key: &ConnectionKey, command: Command) -> Result<Outcome, Failure> {
    site.platform.connection(key, command).await.map_err(|Unavailable| Failure::storage())
}
