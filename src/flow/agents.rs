//! Agents where they are kept: named by a person, found by their id, changed and ended.
//!
//! The sponsor's account is asked at each token, so that it alone says whether an agent is good and for what; how the
//! agent proves itself never changes, and is found anywhere. Not here: who may name or end one (`flow::account`,
//! `flow::admin`), and its tokens (`flow::token::agent`).

use std::rc::Rc;

use super::revocation::REMEMBERED;
use super::{RequestContext, revocation, sentence};
use crate::oauth::agent::{Agent, AgentError, AgentId, AgentProof, SponsoredAgent};
use crate::oauth::subject::{Command, Outcome, Profile};
use crate::ports::{Platform, Unavailable};
use crate::time::Lifetime;
use crate::vault::Purpose;
use crate::web::failure::Failure;
use crate::web::route::Endpoint;

/// How long what is known of an agent outlives it: it is told why it gets no token any more.
const EXPIRED: Lifetime = Lifetime::days(30);

/// A token that is under way while its agent is ended has begun by then.
const UNDER_WAY: Lifetime = Lifetime::minutes(1);

/// Names an agent. It is listed before it is good for anything: what cannot be seen could not be ended.
pub async fn name<P: Platform>(
    context: &RequestContext<'_, P>,
    sponsor: &str,
    agent: SponsoredAgent,
    proof: AgentProof,
) -> Result<(), Failure> {
    let known = Agent::new(agent.id.clone(), sponsor.to_owned(), proof, agent.expires);
    match context.platform.account(sponsor, Command::AddAgent { agent }).await {
        Ok(Outcome::Noted) => {}
        Ok(Outcome::Full) => return Err(too_many()),
        Ok(Outcome::Revoked) => return Err(revoked_meanwhile()),
        Ok(_) | Err(Unavailable) => return Err(Failure::storage()),
    }
    store(context, &known).await
}

/// What is known of an agent. An id that was made up costs one look at most.
pub async fn find<P: Platform>(context: &RequestContext<'_, P>, id: &AgentId) -> Result<Option<Rc<Agent>>, Failure> {
    let (memory, now) = (context.memory, context.now);
    if let Some(agent) = memory.agents.get(id.as_str(), now) {
        return Ok(Some(agent));
    }
    if memory.unknown_agents.get(id.as_str(), now).is_some() {
        return Ok(None);
    }
    let name = stored(id);
    let sealed = context.platform.get(&name).await.map_err(|Unavailable| Failure::storage())?;
    let agent: Option<Agent> = sealed.as_deref().and_then(|sealed| {
        let opened = context.keys.open_json(Purpose::Agent, &[&name], sealed);
        opened.ok()
    });
    let Some(agent) = agent else {
        memory.unknown_agents.put(id.as_str(), (), now + REMEMBERED, now);
        return Ok(None);
    };
    if sealed.is_some_and(|sealed| !context.keys.is_current(&sealed)) {
        let _ = store(context, &agent).await; // or when another isolate finds it
    }
    let agent = Rc::new(agent);
    memory.agents.put(id.as_str(), Rc::clone(&agent), now + context.config.tokens.access_ttl, now);
    Ok(Some(agent))
}

/// What an agent may do at this moment, and what the login said of its sponsor; `None` for one that was ended.
pub async fn sponsored<P: Platform>(
    context: &RequestContext<'_, P>,
    agent: &Agent,
) -> Result<Option<(SponsoredAgent, Option<Profile>)>, Failure> {
    let asked = Command::UseAgent { agent: agent.id.clone(), at: context.now };
    match context.platform.account(&agent.sponsor, asked).await {
        Ok(Outcome::Agent { agent, profile }) => Ok(agent.map(|agent| (*agent, profile))),
        Ok(_) | Err(Unavailable) => Err(Failure::storage()),
    }
}

/// An agent as its sponsor's account lists it, and who that is.
pub async fn listed<P: Platform>(
    context: &RequestContext<'_, P>,
    id: &AgentId,
) -> Result<(String, SponsoredAgent), Failure> {
    let Some(agent) = find(context, id).await? else { return Err(unknown(context)) };
    match context.platform.account(&agent.sponsor, Command::List).await {
        Ok(Outcome::Listed { agents, .. }) => {
            let listed = agents.into_iter().find(|listed| listed.id == *id).ok_or_else(|| unknown(context))?;
            Ok((agent.sponsor.clone(), listed))
        }
        Ok(_) | Err(Unavailable) => Err(Failure::storage()),
    }
}

/// Says anew where an agent uses its sponsor's accounts. Tokens that it has are worth nothing from then on: it gets
/// others by its next assertion.
pub async fn lend<P: Platform>(
    context: &RequestContext<'_, P>,
    sponsor: &str,
    id: &AgentId,
    accounts: Vec<String>,
) -> Result<(), Failure> {
    let told = Command::Lend { agent: id.clone(), accounts };
    context.platform.account(sponsor, told).await.map_err(|Unavailable| Failure::storage())?;
    revocation::end_tokens(context, &id.subject(), context.platform.moment()).await
}

/// Ends the tokens of an agent, those that are under way too.
pub async fn end_tokens<P: Platform>(context: &RequestContext<'_, P>, id: &AgentId) -> Result<(), Failure> {
    revocation::end_tokens(context, &id.subject(), context.now + UNDER_WAY).await
}

/// Ends an agent of a sponsor's.
pub async fn end<P: Platform>(context: &RequestContext<'_, P>, sponsor: &str, id: &AgentId) -> Result<(), Failure> {
    end_tokens(context, id).await?;
    let forgotten = Command::ForgetAgent { agent: id.clone() };
    context.platform.account(sponsor, forgotten).await.map_err(|Unavailable| Failure::storage())?;
    // What is known of it stays, so that it is told what has become of it: good for nothing, it ends by itself.
    Ok(())
}

/// What to do about it, and whom to ask.
pub fn fix<P: Platform>(context: &RequestContext<'_, P>, error: AgentError) -> String {
    let page = context.url(Endpoint::Connections.path());
    match error {
        AgentError::Unknown | AgentError::Ended | AgentError::Expired => {
            format!("A person names an agent at {page}. Use the id that is shown there, or ask them to name it again.")
        }
        AgentError::WrongWorkload => {
            "Use the id of the agent that was named for this workload; its sponsor sees which one it is.".to_owned()
        }
        AgentError::IssuerChanged => {
            format!("The sponsor must name the agent again at {page}, once the operator has configured its issuer.")
        }
        AgentError::NotAccepted => "Ask the operator to add \"agents\" to what the server accepts.".to_owned(),
        AgentError::WrongServer => {
            format!(
                "Send the URL of one of its servers as resource. Its sponsor names another agent for others, at {page}."
            )
        }
        AgentError::ScopeExceeded => {
            format!(
                "Ask for scopes that the agent has, or for none. Its sponsor gives more to another agent, at {page}."
            )
        }
        AgentError::AccountNotLent => {
            format!("Ask the sponsor of the agent: at {page} they can let it use their account at this server.")
        }
        AgentError::SponsorNotConnected => {
            format!("Ask the sponsor of the agent to connect their account at this server, at {page}.")
        }
    }
}

async fn store<P: Platform>(context: &RequestContext<'_, P>, agent: &Agent) -> Result<(), Failure> {
    let name = stored(&agent.id);
    let sealed = context.keys.seal_json(Purpose::Agent, &[&name], context.platform.random(), agent);
    let lifetime = agent.expires.remaining(context.now).and(EXPIRED);
    context.platform.put(&name, &sealed, Some(lifetime)).await.map_err(|Unavailable| Failure::storage())
}

/// Storage key of what is known of an agent.
fn stored(id: &AgentId) -> String {
    format!("agent:{id}")
}

fn unknown<P: Platform>(context: &RequestContext<'_, P>) -> Failure {
    let error = AgentError::Unknown;
    Failure::client(404, error.reason(), sentence(&error)).fix(fix(context, error))
}

fn too_many() -> Failure {
    Failure::client(409, "agent_list_full", "There are as many agents of yours as there may be.")
        .fix("End one that is not used any more, then name another.")
        .way_on("Your connections", Endpoint::Connections.path())
}

fn revoked_meanwhile() -> Failure {
    Failure::client(403, "agent_revoked_meanwhile", "The operator has revoked everything of yours.")
        .fix("Sign in again, then name the agent.")
}
