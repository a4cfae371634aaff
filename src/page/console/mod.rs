//! The console's pages, for operators.
//!
//! Not here: who is an operator, and what their forms do (`flow::admin`).

mod chart;
mod check;
mod client;
mod configuration;
mod confirm;
mod frame;
mod log;
mod overview;
mod people;
mod ranking;
mod servers;

pub use chart::{Chart, ChartKind, Series};
pub use check::{CheckFinding, CheckPage, CheckedStep, Outside};
pub use client::{ClientFacts, ClientsPage, SetUpClient};
pub use configuration::{Change, ConfigurationPage, ConfigurationProblem, Judged, PreviousConfiguration};
pub use confirm::ConfirmPage;
pub use frame::{ConsoleFrame, ConsoleTab};
pub use log::{ConsoleLogPage, FilterField, LogRow, entry_kind};
pub use overview::{OverviewPage, Traffic, TrafficWindow, step_name};
pub use people::{AllowedEntry, ConnectedEntry, FoundPerson, HeldKey, PeoplePage, PersonFacts, PersonPage};
pub use ranking::{RankingRow, RankingTable};
pub use servers::{ConsoleServer, ConsoleServersPage, ServerStanding};
