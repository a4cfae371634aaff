//! A person's own agents: shown beside their API keys, named there, lent accounts, and ended.
//!
//! Not here: the form's protection (`flow::account::connections`), and where agents are kept (`flow::agents`).

use super::form::{LIFETIMES, SUGGESTED, choice, lifetime, line};
use crate::authorization_log::{AuthorizationStep, EntryKind};
use crate::config::{IssuerKind, Server};
use crate::flow::login::session::SignedIn;
use crate::flow::{LONGEST_NAME, RequestContext, agents, holdings};
use crate::jose::public_keys;
use crate::jose::public_keys::PublicKeyError;
use crate::oauth::agent::{AgentId, AgentProof, SponsoredAgent};
use crate::oauth::scope::ScopeSet;
use crate::page;
use crate::page::{account_choice, server_choice};
use crate::ports::Platform;
use crate::web::failure::Failure;
use crate::web::form::Form;
use crate::web::route::Endpoint;

/// What an agent is called that was given no name.
const NAMELESS: &str = "Agent";
/// The longest `sub` of a workload.
const LONGEST_SUBJECT: usize = 255;

/// The agents, and what another can be named for; nothing where there are none and no server takes any.
pub(super) fn card<P: Platform>(
    context: &RequestContext<'_, P>,
    listed: &[SponsoredAgent],
) -> Option<page::AgentsCard> {
    let servers = || taking_agents(context).map(|server| choice(server.slug.as_str(), &server.name));
    let personal = taking_agents(context).filter(|server| server.is_personal());
    let scopes = &context.config.scopes;
    let offer = taking_agents(context).next().is_some().then(|| page::AgentOffer {
        servers: servers().collect(),
        personal: personal.map(|server| choice(server.slug.as_str(), &server.name)).collect(),
        scopes: scopes.names().map(|name| choice(name, scopes.title(name).unwrap_or_default())).collect(),
        issuers: workload_issuers(context).map(|(alias, _)| alias.to_owned()).collect(),
        lifetimes: LIFETIMES.map(|(days, _, said)| choice(days, said)).to_vec(),
        suggested: SUGGESTED,
    });
    (offer.is_some() || !listed.is_empty()).then(|| page::AgentsCard {
        agents: listed.iter().map(|agent| holdings::agent(context, agent)).collect(),
        offer,
    })
}

/// Names the agent that a form asks for. It can do no more than the person, and what they chose of that.
pub(super) async fn name<P: Platform>(
    context: &RequestContext<'_, P>,
    signed_in: &SignedIn,
    form: &Form,
) -> Result<(), Failure> {
    context.record.kind(EntryKind::Consent);
    context.record.step(AuthorizationStep::Consent);
    let lifetime = lifetime(form).ok_or_else(unfit)?;
    let chosen = |field: fn(&str) -> String| {
        let chosen = taking_agents(context).filter(|server| form.has(&field(server.slug.as_str())));
        chosen.map(|server| server.slug.to_string()).collect::<Vec<_>>()
    };
    let servers = chosen(server_choice);
    if servers.is_empty() {
        return Err(unfit());
    }
    let accounts = chosen(account_choice).into_iter().filter(|slug| servers.contains(slug)).collect();
    let scopes: Vec<&str> = context.config.scopes.names().filter(|scope| form.has(&page::choice(scope))).collect();
    let (proof, known_by) = proof(context, form)?;
    let id = AgentId::new(context.platform.random());
    context.record.client(&id.subject());
    context.record.outcome("agent_named");
    let agent = SponsoredAgent {
        id,
        name: line(form, "agent_name").unwrap_or(NAMELESS).chars().take(LONGEST_NAME).collect(),
        known_by,
        servers,
        scope: ScopeSet::of(&scopes),
        accounts,
        since: signed_in.session.since,
        at: context.now,
        expires: context.now + lifetime,
        used: None,
    };
    agents::name(context, &signed_in.session.identity.subject, agent, proof).await
}

/// Says anew where an agent uses the person's accounts. One that is not there any more uses none.
pub(super) async fn lend<P: Platform>(
    context: &RequestContext<'_, P>,
    subject: &str,
    listed: &[SponsoredAgent],
    form: &Form,
) -> Result<(), Failure> {
    let Some(agent) = find(listed, form) else { return Ok(()) };
    context.record.kind(EntryKind::Consent);
    context.record.step(AuthorizationStep::Consent);
    context.record.client(&agent.id.subject());
    context.record.outcome("accounts_lent");
    let accounts = agent.servers.iter().filter(|slug| form.has(&account_choice(slug)));
    agents::lend(context, subject, &agent.id, accounts.cloned().collect()).await
}

/// Ends one of the person's agents. One that is not there any more is as good as ended.
pub(super) async fn end<P: Platform>(
    context: &RequestContext<'_, P>,
    subject: &str,
    listed: &[SponsoredAgent],
    form: &Form,
) -> Result<(), Failure> {
    context.record.kind(EntryKind::Revocation);
    context.record.step(AuthorizationStep::Revocation);
    let Some(agent) = find(listed, form) else { return Ok(()) };
    context.record.client(&agent.id.subject());
    agents::end(context, subject, &agent.id).await
}

fn find<'l>(listed: &'l [SponsoredAgent], form: &Form) -> Option<&'l SponsoredAgent> {
    let id = line(form, "agent")?;
    listed.iter().find(|agent| agent.id.as_str() == id)
}

/// Either keys, or a workload.
fn proof<P>(context: &RequestContext<'_, P>, form: &Form) -> Result<(AgentProof, String), Failure> {
    let pasted = form.one("key").ok().flatten().filter(|text| !text.trim().is_empty());
    match (pasted, line(form, "issuer")) {
        (Some(text), None) => {
            let keys = public_keys::read(text).map_err(key_unfit)?;
            Ok((AgentProof::Keys { jwks: keys.jwks }, format!("key {}", keys.thumbprints.join(", "))))
        }
        (None, Some(alias)) => {
            let (alias, issuer) = workload_issuers(context).find(|(known, _)| *known == alias).ok_or_else(unfit)?;
            let is_fit =
                |sub: &&str| sub.len() <= LONGEST_SUBJECT && sub.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            let subject = line(form, "workload").filter(is_fit).ok_or_else(unfit)?.to_owned();
            let known_by = format!("{alias} {subject}");
            let (alias, issuer) = (alias.to_owned(), issuer.to_owned());
            Ok((AgentProof::Workload { alias, issuer, subject }, known_by))
        }
        _ => Err(unfit()),
    }
}

fn taking_agents<'c, P>(context: &'c RequestContext<'_, P>) -> impl Iterator<Item = &'c Server> {
    context.config.servers.values().filter(|server| server.accepts.agents)
}

/// The issuers that can say which workload somebody is, by alias.
fn workload_issuers<'c, P>(context: &'c RequestContext<'_, P>) -> impl Iterator<Item = (&'c str, &'c str)> {
    let issuers = context.config.issuers.values();
    let workloads = issuers.filter(|issuer| matches!(issuer.kind, IssuerKind::Workload(_)));
    workloads.map(|issuer| (issuer.alias.as_str(), issuer.issuer.as_str()))
}

fn unfit() -> Failure {
    let message = "An agent has a public key or is a workload of a platform, is for one server at least, and ends.";
    Failure::client(400, "agent_choice_missing", message)
        .fix("Paste its public key, or choose the platform and write what that calls it; then choose its servers.")
        .way_on("Your connections", Endpoint::Connections.path())
}

fn key_unfit(error: PublicKeyError) -> Failure {
    let (message, fix) = match error {
        PublicKeyError::TooLong => ("The keys are longer than 8 KB.", "Paste the agent's own public key only."),
        PublicKeyError::TooMany => ("There are more than four keys.", "Paste the keys that the agent signs with only."),
        PublicKeyError::Private => (
            "A private key was pasted, and whoever has seen it could be the agent.",
            "Make another pair of keys, and paste the public one.",
        ),
        PublicKeyError::NoKey => (
            "There is no public key in what was pasted, or one that cannot be used.",
            "Paste a JSON Web Key, a set of them, or a PEM that begins with BEGIN PUBLIC KEY: RSA of 2048 to 4096 \
             bits, P-256, P-384 or Ed25519.",
        ),
    };
    Failure::client(400, "agent_key_unfit", message).fix(fix).way_on("Your connections", Endpoint::Connections.path())
}
