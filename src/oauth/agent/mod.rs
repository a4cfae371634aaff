//! Agents: programs without a browser that a person named, their sponsor. An agent proves itself by an assertion and no
//! stored secret, and may do at most what its sponsor may.
//!
//! Not here: where agents are kept (`flow::agents`), and the list of a person's (`subject`).

mod error;
mod id;
mod record;

pub use error::AgentError;
pub use id::AgentId;
pub use record::{Agent, AgentProof, Sponsor, SponsoredAgent};
