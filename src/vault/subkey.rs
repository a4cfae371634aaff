//! The keys of each purpose, derived from one operator key with HKDF-SHA-256 (RFC 5869).
//!
//! Not here: versions and rotation (`key_ring`).

use hkdf::{Hkdf, InvalidLength};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Purpose;
use super::envelope::Key;

/// One purpose's keys. The MAC key fills an HMAC block, so that using it cannot fail.
pub(super) struct Subkey {
    pub(super) seal: Key,
    pub(super) mac: Zeroizing<[u8; 64]>,
}

impl Subkey {
    fn derive(extracted: &Hkdf<Sha256>, purpose: Purpose) -> Result<Self, InvalidLength> {
        let mut subkey = Self { seal: Zeroizing::new([0; 32]), mac: Zeroizing::new([0; 64]) };
        let label = purpose.label().as_bytes();
        extracted.expand_multi_info(&[b"mcp-edge-gateway/1/seal/", label], &mut *subkey.seal)?;
        extracted.expand_multi_info(&[b"mcp-edge-gateway/1/mac/", label], &mut *subkey.mac)?;
        Ok(subkey)
    }
}

/// Every purpose's keys, derived once when the ring is read.
pub(super) struct Subkeys {
    access_token: Subkey,
    browser_session: Subkey,
    login_transaction: Subkey,
    consent_ticket: Subkey,
    mcp_session: Subkey,
    code: Subkey,
    refresh_token: Subkey,
    connection: Subkey,
    request_state: Subkey,
    registration: Subkey,
    upstream_state: Subkey,
    connect_link: Subkey,
    connect_ticket: Subkey,
    connections_form: Subkey,
    client_id: Subkey,
    person: Subkey,
}

impl Subkeys {
    pub(super) fn derive(key: &[u8]) -> Result<Self, InvalidLength> {
        let extracted = Hkdf::<Sha256>::new(None, key);
        let subkey = |purpose| Subkey::derive(&extracted, purpose);
        Ok(Self {
            access_token: subkey(Purpose::AccessToken)?,
            browser_session: subkey(Purpose::BrowserSession)?,
            login_transaction: subkey(Purpose::LoginTransaction)?,
            consent_ticket: subkey(Purpose::ConsentTicket)?,
            mcp_session: subkey(Purpose::McpSession)?,
            code: subkey(Purpose::Code)?,
            refresh_token: subkey(Purpose::RefreshToken)?,
            connection: subkey(Purpose::Connection)?,
            request_state: subkey(Purpose::RequestState)?,
            registration: subkey(Purpose::Registration)?,
            upstream_state: subkey(Purpose::UpstreamState)?,
            connect_link: subkey(Purpose::ConnectLink)?,
            connect_ticket: subkey(Purpose::ConnectTicket)?,
            connections_form: subkey(Purpose::ConnectionsForm)?,
            client_id: subkey(Purpose::ClientId)?,
            person: subkey(Purpose::Person)?,
        })
    }

    pub(super) fn of(&self, purpose: Purpose) -> &Subkey {
        match purpose {
            Purpose::AccessToken => &self.access_token,
            Purpose::BrowserSession => &self.browser_session,
            Purpose::LoginTransaction => &self.login_transaction,
            Purpose::ConsentTicket => &self.consent_ticket,
            Purpose::McpSession => &self.mcp_session,
            Purpose::Code => &self.code,
            Purpose::RefreshToken => &self.refresh_token,
            Purpose::Connection => &self.connection,
            Purpose::RequestState => &self.request_state,
            Purpose::Registration => &self.registration,
            Purpose::UpstreamState => &self.upstream_state,
            Purpose::ConnectLink => &self.connect_link,
            Purpose::ConnectTicket => &self.connect_ticket,
            Purpose::ConnectionsForm => &self.connections_form,
            Purpose::ClientId => &self.client_id,
            Purpose::Person => &self.person,
        }
    }
}
