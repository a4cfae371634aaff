//! A sealed credential of a connection, and whether it is for what the server is now.
//!
//! Not here: where it is kept (`flow::connection::store`) and how it is renewed (`flow::connection`).

use crate::config::{Auth, Server};
use crate::flow::RequestContext;
use crate::ports::Platform;
use crate::secret::Digested;
use crate::upstream::credential::{Credential, CredentialKind};
use crate::upstream::key::ConnectionKey;
use crate::vault::Purpose;

/// What a credential for this server is made for. One that says something else is not used.
pub fn binding(server: &Server) -> Digested {
    Digested::of(&server.binding())
}

/// A sealed credential of this connection. `None` for one that was changed, moved here from elsewhere, or whose key is
/// gone.
pub fn open<P: Platform>(context: &RequestContext<'_, P>, key: &ConnectionKey, sealed: &str) -> Option<Credential> {
    context.keys.open_json(Purpose::Connection, &key.place(), sealed).ok()
}

/// Whether a credential is for what the server is now. The operator may have named another authorization server since.
pub fn is_usable_for(server: &Server, credential: &Credential) -> bool {
    credential.binding == binding(server) && accepts_issuer(server, credential)
}

fn accepts_issuer(server: &Server, credential: &Credential) -> bool {
    match (&server.auth, &credential.kind) {
        (Auth::OAuth(oauth), CredentialKind::Oauth(held)) => oauth.admits_issuer(&held.issuer),
        _ => true,
    }
}
