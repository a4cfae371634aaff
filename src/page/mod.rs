//! The pages people see: one struct per page, one template each, one stylesheet inlined into all of them.
//!
//! No external resource, and no script that a page needs. Templates escape by default; what a page may load and who may
//! frame it is in [`security`].
//!
//! Not here: statuses, routes, and the wording of errors. A page says what it is given.

mod add;
mod agents;
mod assets;
mod brand;
mod cancelled;
mod connect;
mod connections;
mod consent;
mod console;
mod day;
mod dev_login;
mod forget;
#[cfg(test)]
mod gallery;
mod keys;
mod link;
mod notice;
mod readiness;
pub mod security;
mod server;
mod servers;
mod sign_out;
mod status;
mod support;
mod text;

pub use agents::{AgentEntry, AgentOffer, AgentsCard, LentAccount, account_choice};
pub use brand::{Brand, Colour};
pub use cancelled::Cancelled;
pub use connect::{Connect, ConnectAccount, ConnectField, ConnectWay, Occasion, account_title};
pub use connections::{AccountEntry, AccountStanding, ClientEntry, ConnectedServer, Connections, RolesEntry, Usage};
pub use consent::{ClientOrigin, Consent, ScopeLine, ScopeUse, choice};
pub use console::{
    AllowedEntry, Change, Chart, ChartKind, CheckFinding, CheckPage, CheckedStep, ClientFacts, ClientsPage,
    ConfigurationPage, ConfigurationProblem, ConfirmPage, ConnectedEntry, ConsoleFrame, ConsoleLogPage, ConsoleServer,
    ConsoleServersPage, ConsoleTab, FilterField, FoundPerson, HeldKey, Judged, LogRow, Outside, OverviewPage,
    PeoplePage, PersonFacts, PersonPage, PreviousConfiguration, RankingRow, RankingTable, Series, ServerStanding,
    SetUpClient, Traffic, TrafficWindow, entry_kind, step_name,
};
pub use dev_login::{DevLogin, DevLoginAccount};
pub use keys::{FormChoice, KeyEntry, KeyOffer, KeysCard, MadeKey, server_choice};
pub use link::PageLink;
pub use notice::{Notice, Tone};
pub use readiness::{Finding, ReadinessPage};
pub use server::{ServerCard, ServerPage};
pub use servers::ServersPage;
pub use sign_out::SignOut;
pub use status::{Status, StatusStep};
pub use support::SupportCopy;
pub use text::short;
