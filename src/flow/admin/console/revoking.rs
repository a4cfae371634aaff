//! What operators end for a person: a client's access, an API key, an agent, an account at a server, everything. Each
//! is asked about first.
//!
//! Not here: how it ends (`flow::holdings`, `flow::connection::store`, `flow::admin::subject`).

use serde_json::json;

use super::form;
use super::form::{Act, ActKind, Posted, address, back, form_gone};
use super::question::{Confirmation, ask};
use crate::flow::admin::{acts, subject};
use crate::flow::connection::store;
use crate::flow::holdings::server_name;
use crate::flow::{Answered, Head, RequestContext, agents, api_keys, holdings};
use crate::oauth::agent::{AgentId, SponsoredAgent};
use crate::page;
use crate::ports::Platform;
use crate::upstream::key::{ConnectionKey, Owner};
use crate::web::failure::Failure;
use crate::web::route::Endpoint;

/// `POST /admin/people`.
pub async fn answer<P: Platform>(context: &RequestContext<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    let posted = form::read(context, head, body).await?;
    if let Some(act) = posted.confirmed() {
        let done = done(context, &posted, act).await?;
        return Ok(back(Endpoint::AdminPeople, &[("subject", &act.of), ("done", done)]));
    }
    let question = question(context, &posted).await?.ok_or_else(form_gone)?;
    Ok(ask(context, &posted.signed_in, question))
}

/// Ends what was asked about. What is not there any more is as good as ended.
async fn done<P: Platform>(
    context: &RequestContext<'_, P>,
    posted: &Posted,
    act: &Act,
) -> Result<&'static str, Failure> {
    let operator = posted.operator();
    let note = |act: &'static str, about| acts::note(context.platform, context.record, &operator, act, about);
    match act.kind {
        ActKind::RevokeClient => {
            let holdings = holdings::of(context, &act.of).await?;
            holdings::revoke_client(context, &act.of, &act.client, &holdings).await?;
            note("revoke_client", json!({"subject": act.of, "client": act.client}));
            Ok("revoked")
        }
        ActKind::RevokeKey => {
            let holdings = holdings::of(context, &act.of).await?;
            if let Some(key) = holdings.keys.iter().find(|key| key.id.as_str() == act.key) {
                api_keys::revoke(context, &act.of, key).await?;
            }
            note("revoke_key", json!({"subject": act.of, "key": act.key}));
            Ok("key_revoked")
        }
        ActKind::EndAgent => {
            let id = AgentId::of(&act.agent).ok_or_else(form_gone)?;
            agents::end(context, &act.of, &id).await?;
            note("end_agent", json!({"subject": act.of, "agent": act.agent}));
            Ok("agent_ended")
        }
        ActKind::Disconnect => {
            let owner = Owner::Subject(act.of.clone());
            store::drop(context, &ConnectionKey::new(owner, act.slug.as_str(), act.account.as_str())).await?;
            note("disconnect", json!({"subject": act.of, "server": act.slug, "account": act.account}));
            Ok("disconnected")
        }
        ActKind::RevokeEverything => {
            subject::end(context, &operator, &act.of).await?;
            Ok("everything")
        }
        _ => Err(form_gone()),
    }
}

/// What is asked before; none for what is not there.
async fn question<P: Platform>(
    context: &RequestContext<'_, P>,
    posted: &Posted,
) -> Result<Option<Confirmation>, Failure> {
    let field = |name| posted.field(name).unwrap_or_default();
    let person = field("subject");
    let holdings = holdings::of(context, person).await?;
    let mut facts = vec![("Person", person.to_owned())];
    let (act, title, consequence, yes) = match field("act") {
        "revoke_client" => {
            let client = field("client");
            let mut grants = holdings.grants.iter().filter(|known| known.client_id == client).peekable();
            let Some(name) = grants.peek().map(|known| page::short(&known.client_name)) else { return Ok(None) };
            let mut servers: Vec<_> = grants.map(|known| server_name(context, &known.slug)).collect();
            servers.dedup();
            facts.extend([("Client", client.to_owned()), ("Servers", servers.join(", "))]);
            let act = Act { client: client.to_owned(), ..Act::new(ActKind::RevokeClient, person) };
            let consequence = "It loses its access at every server. It may ask again, and the person is asked again.";
            (act, format!("Revoke {name}?"), consequence, "Revoke")
        }
        "revoke_key" => {
            let Some(key) = holdings.keys.iter().find(|key| key.id.as_str() == field("key")) else { return Ok(None) };
            facts.push(("Key", key.id.to_string()));
            let act = Act { key: key.id.to_string(), ..Act::new(ActKind::RevokeKey, person) };
            let consequence = "Whatever calls with it is refused within about a minute. The person can make another.";
            (act, format!("Revoke the API key {}?", page::short(&key.name)), consequence, "Revoke")
        }
        "end_agent" => {
            let is_meant = |agent: &&SponsoredAgent| agent.id.as_str() == field("agent");
            let Some(agent) = holdings.agents.iter().find(is_meant) else { return Ok(None) };
            facts.push(("Agent", agent.id.subject()));
            let act = Act { agent: agent.id.subject(), ..Act::new(ActKind::EndAgent, person) };
            let consequence = "What it has is refused within about a minute, and it gets no more. The person can name \
                               another.";
            (act, format!("End the agent {}?", page::short(&agent.name)), consequence, "End")
        }
        "disconnect" => {
            let (slug, account) = (field("slug"), field("account"));
            if !holdings.accounts.iter().any(|known| known.slug == slug && known.account == account) {
                return Ok(None);
            }
            let name = page::short(&server_name(context, slug));
            facts.extend([("Server", slug.to_owned()), ("Account", account.to_owned())]);
            let act =
                Act { slug: slug.to_owned(), account: account.to_owned(), ..Act::new(ActKind::Disconnect, person) };
            let consequence = "What the gateway keeps of the account is deleted, and its provider told, where it can \
                               be. Only the person can connect it again.";
            (act, format!("Disconnect their account at {name}?"), consequence, "Disconnect")
        }
        "revoke_everything" if !person.is_empty() => {
            facts.extend([
                ("Grants", holdings.grants.len().to_string()),
                ("Accounts", holdings.accounts.len().to_string()),
            ]);
            let consequence = "They are signed out of every browser, every client and agent loses its access, and \
                               every account is disconnected. They may sign in again and begin anew.";
            let act = Act::new(ActKind::RevokeEverything, person);
            (act, "Revoke everything of this person?".to_owned(), consequence, "Revoke everything")
        }
        _ => return Ok(None),
    };
    let back = address(Endpoint::AdminPeople, &[("subject", person)]);
    let consequence = consequence.to_owned();
    Ok(Some(Confirmation { endpoint: Endpoint::AdminPeople, act, title, consequence, yes, back, facts }))
}
