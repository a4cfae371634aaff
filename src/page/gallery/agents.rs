//! The agents of the gallery's connections page, realistic and hostile.
//!
//! Not here: the page around them (`connecting`).

use super::connecting::choice;
use super::samples::HOSTILE;
use crate::page::{AgentEntry, AgentOffer, AgentsCard, LentAccount};
use crate::time::Timestamp;

/// What a person has who works with agents.
pub(super) fn realistic() -> AgentsCard {
    let ended = AgentEntry {
        known_by: "ci repo:acme/app:ref:refs/heads/main".to_owned(),
        has_expired: true,
        lendable: vec![],
        used: None,
        ..agent("Release notes")
    };
    let offer = AgentOffer {
        servers: vec![choice("linear", "Linear"), choice("tasks", "Tasks"), choice("docs", "Docs")],
        personal: vec![choice("linear", "Linear"), choice("tasks", "Tasks")],
        scopes: vec![choice("tools:read", "Read issues and comments"), choice("tools:write", "Change issues")],
        issuers: vec!["ci".to_owned()],
        lifetimes: vec![choice("30", "30 days"), choice("90", "90 days"), choice("365", "One year")],
        suggested: "90",
    };
    AgentsCard { agents: vec![agent("Nightly triage"), ended], offer: Some(offer) }
}

/// What somebody has who means harm.
pub(super) fn hostile() -> AgentsCard {
    let (text, long) = (|| HOSTILE.to_owned(), HOSTILE.repeat(40));
    AgentsCard {
        agents: vec![hostile_agent()],
        offer: Some(AgentOffer {
            servers: vec![choice(HOSTILE, &long)],
            personal: vec![choice(HOSTILE, &long)],
            scopes: vec![choice(HOSTILE, &long)],
            issuers: vec![text()],
            lifetimes: vec![choice(HOSTILE, &long)],
            suggested: "90",
        }),
    }
}

/// One agent.
pub(super) fn agent(name: &str) -> AgentEntry {
    let lendable = [("linear", "Linear", true), ("tasks", "Tasks", false)];
    AgentEntry {
        id: "AQEBAQEBAQEBAQEBAQEBAQ".to_owned(),
        subject: "agent:AQEBAQEBAQEBAQEBAQEBAQ".to_owned(),
        name: name.to_owned(),
        known_by: "key BDpxh3TFcr2KJa2-sb_NXAJWrhHOz5-cP5JdDlK-r4k".to_owned(),
        servers: vec!["Linear".to_owned(), "Tasks".to_owned(), "Docs".to_owned()],
        scopes: vec!["tools:read".to_owned()],
        lendable: lendable
            .map(|(slug, name, lent)| LentAccount { slug: slug.to_owned(), name: name.to_owned(), lent })
            .into(),
        named: Timestamp(1_793_664_000),
        until: Timestamp(1_801_440_000),
        has_expired: false,
        used: Some(Timestamp(1_795_176_974)),
    }
}

/// One of somebody who means harm.
pub(super) fn hostile_agent() -> AgentEntry {
    let (text, long) = (|| HOSTILE.to_owned(), HOSTILE.repeat(40));
    AgentEntry {
        id: text(),
        subject: text(),
        name: long.clone(),
        known_by: text(),
        servers: vec![long.clone()],
        scopes: vec![text()],
        lendable: vec![LentAccount { slug: text(), name: long.clone(), lent: true }],
        ..agent("CI")
    }
}
