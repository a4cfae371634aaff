//! Who has come to the connect page and what for: a client's authorization that waits, a link from a call or an
//! operator, or the person's own wish.
//!
//! Not here: what happens there (`flow::connect`).

use crate::config::Server;
use crate::flow::RequestContext;
use crate::flow::authorize::code::Allowed;
use crate::flow::authorize::pending;
use crate::flow::call::refusal;
use crate::flow::connection::store;
use crate::flow::connection::store::Kept;
use crate::oauth::grant::GrantId;
use crate::oauth::subject::ConnectedAccount;
use crate::page::{ConnectAccount, Occasion};
use crate::ports::Platform;
use crate::secret::Digested;
use crate::upstream::key::{FIRST_ACCOUNT, Owner};
use crate::upstream::link::{LinkReason, LinkToConnect};
use crate::upstream::state::{Back, ConnectIntent};
use crate::web::failure::Failure;
use crate::web::form::Form;

/// How many accounts a person may have at one server.
const MOST_ACCOUNTS: usize = 16;

/// A person's visit to the page.
pub(super) struct ConnectRequest {
    /// What connecting here would make.
    pub intent: ConnectIntent,
    /// How the page speaks of it.
    pub occasion: Occasion,
    /// What a call was refused for lack of.
    pub wanted: Option<String>,
    /// The client that waits.
    pub waiting: Option<Allowed>,
    /// The accounts to choose from instead.
    pub accounts: Vec<ConnectAccount>,
    /// What the account may be called, if it is asked for.
    pub label: Option<String>,
}

impl ConnectRequest {
    /// By the page's query. Only whoever it is for gets further.
    pub(super) async fn of<P: Platform>(
        context: &RequestContext<'_, P>,
        server: &Server,
        query: &Form,
        subject: &str,
    ) -> Result<Self, Failure> {
        let field = |name| query.one(name).map_err(|_| link_gone());
        if let Some(grant) = field("grant")? {
            let grant = GrantId::parse(grant).ok_or_else(link_gone)?;
            return Self::of_client(context, server, grant, subject).await;
        }
        if let Some(sealed) = field("s")? {
            let link =
                LinkToConnect::open(&context.keys, server.slug.as_str(), sealed, context.now).ok_or_else(link_gone)?;
            return Self::of_link(context, server, link, Digested::of(sealed), subject).await;
        }
        Self::of_person(context, server, field("account")?, subject).await
    }

    /// Once more, for the account of a form that could not be taken.
    pub(super) async fn again<P: Platform>(
        context: &RequestContext<'_, P>,
        server: &Server,
        intent: ConnectIntent,
        subject: &str,
    ) -> Result<Self, Failure> {
        let waiting = match &intent.back {
            Back::Client(grant) => Some(pending::waiting(context, grant, subject).await?),
            Back::Connections | Back::Page => None,
        };
        let known = pending::accounts(context, server, subject).await?;
        Ok(match known.iter().find(|known| known.account == intent.account) {
            Some(account) if intent.label.is_none() => {
                Self { waiting, ..Self::plain(named(intent, account), Occasion::Renewal) }
            }
            Some(_) => Self { waiting, ..Self::plain(intent, Occasion::Renewal) },
            None if known.is_empty() => Self { waiting, ..Self::plain(intent, Occasion::First) },
            None => {
                let label = intent.label.clone().or_else(|| Some(String::new()));
                Self { waiting, label, ..Self::plain(intent, Occasion::Another) }
            }
        })
    }

    async fn of_client<P: Platform>(
        context: &RequestContext<'_, P>,
        server: &Server,
        grant: GrantId,
        subject: &str,
    ) -> Result<Self, Failure> {
        let waiting = pending::waiting(context, &grant, subject).await?;
        if waiting.request.slug != server.slug.as_str() || !server.is_personal() {
            return Err(link_gone());
        }
        let known = pending::accounts(context, server, subject).await?;
        let intent = |account: &str| intent(Owner::Subject(subject.to_owned()), server, account, Back::Client(grant));
        let request = match known.as_slice() {
            [] => Self::plain(intent(FIRST_ACCOUNT), Occasion::First),
            [only] => Self::plain(named(intent(&only.account), only), Occasion::Renewal),
            several => {
                let mut accounts = Vec::new();
                for account in several {
                    let live = pending::is_live(context, server, subject, &account.account).await?;
                    let ConnectedAccount { account, label, upstream_name, .. } = account.clone();
                    accounts.push(ConnectAccount { account, label, upstream_name, live });
                }
                match (next(&known), several.last()) {
                    // No room for another: one of them it is, or the newest anew.
                    (Err(_), Some(newest)) => {
                        Self { accounts, ..Self::plain(named(intent(&newest.account), newest), Occasion::Renewal) }
                    }
                    (another, _) => {
                        let another = Self::plain(intent(&another?), Occasion::Another);
                        Self { accounts, label: Some(String::new()), ..another }
                    }
                }
            }
        };
        Ok(Self { waiting: Some(waiting), ..request })
    }

    async fn of_link<P: Platform>(
        context: &RequestContext<'_, P>,
        server: &Server,
        link: LinkToConnect,
        digest: Digested,
        subject: &str,
    ) -> Result<Self, Failure> {
        match &link.owner {
            Owner::Subject(owner) if owner != subject => return Err(pending::for_somebody_else()),
            Owner::Subject(_) if !server.is_personal() => return Err(link_gone()),
            Owner::Gateway if !server.is_connected_by_operator() => return Err(link_gone()),
            _ => {}
        }
        let mut intent = intent(link.owner, server, &link.account, Back::Page);
        let occasion = match link.need {
            LinkReason::Authenticating => Occasion::First,
            // A connection that still works was refused for lack of a scope.
            LinkReason::ReconsentRequired => match store::read(context, server, &intent.key()).await? {
                Kept::Live(_) => Occasion::MoreAccess,
                Kept::Dead(_) | Kept::Absent => Occasion::Renewal,
            },
        };
        if intent.owner == Owner::Gateway {
            store::require_unused(context, &intent.key(), &digest).await?;
            intent.link = Some(digest);
        } else {
            let known = pending::accounts(context, server, subject).await?;
            if let Some(account) = known.iter().find(|known| known.account == intent.account) {
                intent = named(intent, account);
            }
        }
        Ok(Self { wanted: link.scope, ..Self::plain(intent, occasion) })
    }

    async fn of_person<P: Platform>(
        context: &RequestContext<'_, P>,
        server: &Server,
        account: Option<&str>,
        subject: &str,
    ) -> Result<Self, Failure> {
        if !server.is_personal() {
            return Err(refusal::not_personal(server));
        }
        let known = pending::accounts(context, server, subject).await?;
        let intent = |account: &str| intent(Owner::Subject(subject.to_owned()), server, account, Back::Connections);
        let held = |account: &str| known.iter().find(|known| known.account == account);
        match account {
            Some("new") if !known.is_empty() => {
                let another = Self::plain(intent(&next(&known)?), Occasion::Another);
                Ok(Self { label: Some(String::new()), ..another })
            }
            None | Some("new" | FIRST_ACCOUNT) if held(FIRST_ACCOUNT).is_none() => {
                Ok(Self::plain(intent(FIRST_ACCOUNT), Occasion::First))
            }
            account => {
                let held = held(account.unwrap_or(FIRST_ACCOUNT)).ok_or_else(link_gone)?;
                Ok(Self::plain(named(intent(&held.account), held), Occasion::Renewal))
            }
        }
    }

    fn plain(intent: ConnectIntent, occasion: Occasion) -> Self {
        let label = intent.label.clone();
        Self { intent, occasion, wanted: None, waiting: None, accounts: Vec::new(), label }
    }
}

/// A link that leads nowhere.
pub(super) fn link_gone() -> Failure {
    Failure::client(
        400,
        "connect_link_gone",
        "This link is not good any more, is for another server, or was not copied whole.",
    )
    .fix("Go back to your client and repeat what you asked for: it will show a new one.")
}

fn intent(owner: Owner, server: &Server, account: &str, back: Back) -> ConnectIntent {
    ConnectIntent { owner, slug: server.slug.to_string(), account: account.to_owned(), label: None, link: None, back }
}

/// An account that is connected again keeps the name it has.
fn named(intent: ConnectIntent, account: &ConnectedAccount) -> ConnectIntent {
    let label = Some(account.label.clone()).filter(|label| !label.is_empty());
    ConnectIntent { label, ..intent }
}

/// The account after the last.
fn next(known: &[ConnectedAccount]) -> Result<String, Failure> {
    let last = known.iter().filter_map(|account| account.account.parse::<u32>().ok()).max().unwrap_or_default();
    if known.len() >= MOST_ACCOUNTS {
        let message = format!("There are {MOST_ACCOUNTS} accounts at this server already.");
        return Err(
            Failure::client(400, "connection_too_many_accounts", message).fix("Disconnect one that is not needed.")
        );
    }
    Ok(last.saturating_add(1).to_string())
}
