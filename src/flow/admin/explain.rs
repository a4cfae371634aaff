//! Why somebody may, or may not, see and use a capability: the decision of the policy in effect, with its trace.
//!
//! Not here: the decision, and another way to come to it (`policy`).

use std::collections::BTreeMap;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{keys, operator};
use crate::flow::call::refusal;
use crate::flow::connection::catalogue;
use crate::flow::{Answered, Head, RequestContext, agents, default_scope, profile, read_small};
use crate::oauth::agent::AgentId;
use crate::oauth::api_key::{KeyKind, SERVICES};
use crate::oauth::scope::ScopeSet;
use crate::policy::{Arguments, Capability, CapabilityKind, Explanation, Rights};
use crate::ports::{Platform, Unavailable};
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// A question with the arguments of a call.
const LONGEST: usize = 64 * 1024;

/// What an operator asks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// The server, by its slug.
    server: String,
    tool: Option<String>,
    prompt: Option<String>,
    resource: Option<String>,
    resource_template: Option<String>,
    /// The arguments of the call.
    arguments: Option<Box<RawValue>>,
    /// Whose roles and claims count: those of their last sign-in.
    subject: Option<String>,
    /// The API key that calls, by its id: of a service, or with `subject` of that person.
    key: Option<String>,
    /// Roles in their stead.
    roles: Option<Vec<String>>,
    /// Claims in their stead.
    claims: Option<BTreeMap<String, Vec<String>>>,
    /// The scopes of the token; without them the one that every client gets.
    scopes: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Told<'a> {
    server: &'a str,
    kind: CapabilityKind,
    name: &'a str,
    /// What was counted with.
    roles: &'a [String],
    scopes: Vec<&'a str>,
    claims: Vec<&'a str>,
    #[serde(flatten)]
    explanation: Explanation<'a>,
}

/// `POST /admin/explain`: what is decided for a subject, or for roles, and by which filter and rules.
pub async fn explain<P: Platform>(context: &RequestContext<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    operator::authorize(context.platform, context.memory, head).await?;
    let body = read_small(body, LONGEST).await?;
    let text = std::str::from_utf8(&body).map_err(|_| malformed("it is not text in UTF-8"))?;
    let question: Question = serde_json::from_str(text).map_err(|error| malformed(&error.to_string()))?;
    let (kind, name) = question.capability().ok_or_else(|| malformed("it does not name one capability"))?;
    let slug = question.server.as_str();
    let server = context.config.servers.get(slug).ok_or_else(|| refusal::no_such_server(slug))?;

    let named = question.subject.as_deref().and_then(|subject| subject.strip_prefix(SERVICES));
    let key = match question.key.as_deref().or(named) {
        Some(id) => Some(keys::known(context, question.subject.as_deref().filter(|_| named.is_none()), id).await?),
        None => None,
    };
    let agent = match question.subject.as_deref().and_then(AgentId::of) {
        Some(id) => Some(agents::listed(context, &id).await?),
        None => None,
    };
    let agent = agent.as_ref();
    // Roles, claims and accounts of an agent are its sponsor's.
    let person = agent.map(|(sponsor, _)| sponsor).or(question.subject.as_ref());
    let (roles, claims) = match (&key, person) {
        (Some(key), _) if key.kind == KeyKind::Service => (key.roles.clone(), BTreeMap::default()),
        (_, Some(subject)) => {
            let profile = profile::of(context, subject, &server.policy).await?;
            (profile.roles, profile.claims)
        }
        (_, None) => Default::default(),
    };
    let roles = question.roles.clone().unwrap_or(roles);
    let claims = question.claims.clone().unwrap_or(claims);
    let named: Vec<&str> = claims.keys().map(String::as_str).collect();
    let scopes = match (&question.scopes, &key, agent) {
        (Some(scopes), ..) => ScopeSet::of(&scopes.iter().map(String::as_str).collect::<Vec<_>>()),
        (None, Some(key), _) => key.call_scope(),
        (None, None, Some((_, agent))) => agent.scope.union(&default_scope()),
        (None, None, None) => default_scope(),
    };

    let values = claims.clone().into();
    let rights = Rights { scopes: &scopes, roles: &roles, claims: &values };
    let arguments = question.arguments.as_deref().map_or(Arguments::NONE, |json| Arguments::of(json.get()));
    let capability = Capability::new(kind, name);
    let tools = if server.policy.depends_on_tools(&capability) {
        let key = catalogue::key_of(server, person.map(String::as_str));
        let shown = catalogue::tools_showing(context, &key, name).await;
        shown.map_err(|Unavailable| Failure::storage())?
    } else {
        Vec::new()
    };
    let shown_by: Vec<&str> = tools.iter().map(String::as_str).collect();
    let capability = Capability { shown_by: &shown_by, ..capability };
    let explanation = server.policy.explain(&rights, &capability, Some(arguments));
    let told =
        Told { server: slug, kind, name, roles: &roles, scopes: scopes.iter().collect(), claims: named, explanation };
    Ok(Reply::json(StatusCode::OK, &told))
}

impl Question {
    /// The one capability that is asked about.
    fn capability(&self) -> Option<(CapabilityKind, &str)> {
        let asked = [
            (CapabilityKind::Tool, &self.tool),
            (CapabilityKind::Prompt, &self.prompt),
            (CapabilityKind::Resource, &self.resource),
            (CapabilityKind::ResourceTemplate, &self.resource_template),
        ];
        let mut asked = asked.into_iter().filter_map(|(kind, name)| Some((kind, name.as_deref()?)));
        asked.next().filter(|_| asked.next().is_none())
    }
}

fn malformed(why: &str) -> Failure {
    Failure::client(400, "question_malformed", format!("The question cannot be read: {why}."))
        .logged("The question cannot be read.")
        .fix(r#"Send JSON such as {"server": "linear", "tool": "create_issue", "subject": "dev:alice", "arguments": {}}."#)
}
