//! Whether a caller may do what a message asks for, and what they see of an answer: the one place where policy is asked
//! on the way of a call.
//!
//! Not here: the decision (`policy`), which things a message asks for (`mcp::message::named`), and how an answer is
//! rewritten (`mcp::rewrite`).

use std::rc::Rc;

use super::context::Call;
use super::{challenge, resume};
use crate::caller::{By, Caller};
use crate::config::Config;
use crate::mcp::message::envelope::{Message, Payload};
use crate::mcp::message::error::{Code, Lacking};
use crate::mcp::message::named;
use crate::mcp::message::named::{Named, Unclear};
use crate::mcp::rewrite::Unreadable;
use crate::mcp::rewrite::answer::RewrittenAnswer;
use crate::mcp::rewrite::list::List;
use crate::mcp::rewrite::result::{Audience, Seen};
use crate::mcp::transport::header_names::SESSION_ID;
use crate::mcp::transport::response::MediaType;
use crate::mcp::transport::revision::Era;
use crate::oauth::error::ErrorCode;
use crate::policy::{Arguments, Capability, CapabilityKind, Decision, Denial, Policy, Requirement};
use crate::ports::Platform;
use crate::time::Lifetime;
use crate::web::failure::{Blame, Failure};
use crate::web::reply::Reply;
use crate::web::route::Endpoint;

/// How soon a client that is told of a missing scope comes for a token that will not have it either.
const STEP_UP: Lifetime = Lifetime(10);

/// Of an answer that is rewritten: a list of 2,000 tools has 2 MB.
const LONGEST_ANSWER: usize = 16 << 20;

impl<P: Platform> Call<'_, P> {
    /// Refuses a message that asks for what its caller may not use. Of a batch nothing is sent where one member is
    /// refused.
    pub fn permit(&self, payload: &Payload, body: &[u8]) -> Result<(), Failure> {
        if self.server.policy.is_empty() {
            return Ok(());
        }
        let each = named::each(body).map_err(|Unclear| unclear())?;
        match payload {
            // No filter keeps a person from connecting.
            Payload::One(message) if resume::is_for_stand_in(self, message) => Ok(()),
            Payload::One(message) => each.iter().try_for_each(|json| self.permit_one(message, json)),
            Payload::Batch(messages) if messages.len() == each.len() => {
                messages.iter().zip(each).try_for_each(|(message, json)| self.permit_one(message, json))
            }
            Payload::Batch(_) => Err(unclear()),
        }
    }

    fn permit_one(&self, message: &Message, json: &str) -> Result<(), Failure> {
        let named = named::named(message, json).map_err(|Unclear| unclear())?;
        named.iter().try_for_each(|named| self.permit_named(named))
    }

    fn permit_named(&self, named: &Named<'_>) -> Result<(), Failure> {
        let policy = &self.server.policy;
        let capability = Capability::new(kind(named.list), &named.name);
        let arguments = named.arguments.as_deref().map_or(Arguments::NONE, Arguments::of);
        let rights = self.caller.rights();
        let decision = match named.arguments {
            Some(_) => policy.decide(&rights, &capability, arguments),
            None if named.is_call => policy.decide(&rights, &capability, Arguments::NONE),
            None => policy.decide_without_call(&rights, &capability),
        };
        self.context.record.decided(decision.name(), decision.rule());
        match decision {
            Decision::Allow => Ok(()),
            Decision::Hide => Err(unknown(&capability, self.era)),
            Decision::Deny(denial) => Err(self.denied(&capability, &denial)),
        }
    }

    /// Only a scope is a matter of HTTP: some clients take every 403 for a reason to sign in again, which would not
    /// help with anything else.
    fn denied(&self, capability: &Capability<'_>, denial: &Denial<'_>) -> Failure {
        let Capability { kind, name, .. } = *capability;
        let granted = &self.caller.scope;
        let lacking = lacking(capability);
        match denial.need {
            Requirement::Scope(scope) => {
                let description = format!("Missing required scope: {}", denial.missing_scopes);
                let ask = denial.scopes_to_ask(granted);
                let By::AccessToken { grant, .. } = &self.caller.by;
                let (memory, now) = (self.context.memory, self.context.now);
                memory.stepping_up.put(grant.as_str(), (), now + STEP_UP, now);
                Failure::client(403, "capability_scope_missing", format!("The {kind} {name} needs the scope {scope}."))
                    .code(ErrorCode::InsufficientScope)
                    .rpc(Code::Denied)
                    .logged("A capability needs a scope that the caller was not granted.")
                    .lacking(Lacking {
                        granted_scopes: Some(granted.iter().map(str::to_owned).collect()),
                        required_scope: Some(scope.to_owned()),
                        ..lacking
                    })
                    .fix("Authorize again and ask for the scopes of the challenge; most clients do so by themselves.")
                    .challenge(challenge::for_scope(self.context, self.server, &ask, &description))
            }
            Requirement::Role(roles) => {
                let wanted = roles.join(" or ");
                Failure::client(200, "capability_role_missing", format!("The {kind} {name} needs the role {wanted}."))
                    .rpc(Code::Denied)
                    .logged("A capability needs a role that the caller does not have.")
                    .lacking(Lacking { required_roles: Some(roles.to_vec()), ..lacking })
                    .fix(format!(
                        "Ask whoever runs the identity provider for the role {wanted}. Then sign out and in again at {}, \
                         and authorize the client anew.",
                        self.context.url(Endpoint::Connections.path())
                    ))
            }
            Requirement::Claim { name: claim, .. } => {
                let message = format!("The {kind} {name} is not for everybody: it asks for the claim {claim}.");
                Failure::client(200, "capability_claim_missing", message)
                    .rpc(Code::Denied)
                    .logged("A capability asks for a claim that the caller's sign-in did not have.")
                    .lacking(lacking)
                    .fix("Ask the operator of this gateway, with the request id.")
            }
            Requirement::Condition { argument, .. } => {
                let message = format!("The {kind} {name} may not be called with this {argument}.");
                Failure::client(200, "capability_argument_denied", message)
                    .rpc(Code::Denied)
                    .logged("A capability was called with an argument that its rule does not allow.")
                    .lacking(Lacking { argument: Some(argument.to_owned()), ..lacking })
                    .fix("Call it with another value, or ask the operator of this gateway which ones are allowed.")
            }
        }
    }
}

impl<P: Platform> Call<'_, P> {
    /// A reply as its caller may see it. Only answers that say what a server has are read, and streams that may tell of
    /// resources where those are filtered.
    pub fn shown(&self, payload: &Payload, reply: Reply<P::Stream>) -> Reply<P::Stream> {
        let media_type = MediaType::of(reply.headers()).filter(|media_type| self.is_read(payload, *media_type));
        let Some(media_type) = media_type else { return reply };
        let seen = Seen(Viewer {
            config: Rc::clone(&self.context.config),
            server: self.server.slug.to_string(),
            caller: Rc::clone(self.caller),
        });
        let id = match payload {
            Payload::One(message) => message.id().cloned(),
            Payload::Batch(_) => None,
        };
        let (slug, request_id) = (self.server.slug.to_string(), self.context.request_id().to_owned());
        let refuse = move |why: Unreadable| unreadable(why, &slug).rpc_response(id.as_ref(), &request_id);
        reply.rewritten(Box::new(RewrittenAnswer::new(media_type, LONGEST_ANSWER, seen, refuse)))
    }

    fn is_read(&self, payload: &Payload, media_type: MediaType) -> bool {
        let policy = &self.server.policy;
        let tells = |message: &Message| {
            let method = message.method().unwrap_or_default();
            // What a result says of caching, it says since 2026-07-28.
            let may_change = !policy.is_empty() || self.era == Era::Modern;
            matches!(method, "initialize" | "server/discover")
                || may_change && (List::of(method).is_some() || matches!(method, "resources/read" | "tasks/result"))
        };
        let hears = media_type == MediaType::EventStream && policy.speaks_of(CapabilityKind::Resource);
        // In a session the SDKs' servers send what answers an id to whoever used it last: any answer may be a list.
        let crosses = !policy.is_empty() && self.era == Era::Legacy && self.head.headers.contains_key(SESSION_ID);
        hears
            || crosses
            || match payload {
                Payload::One(message) => tells(message),
                Payload::Batch(messages) => messages.iter().any(tells),
            }
    }
}

/// A caller who looks at a server's answer, for as long as it takes to arrive.
struct Viewer {
    config: Rc<Config>,
    server: String,
    caller: Rc<Caller>,
}

impl Viewer {
    fn policy(&self) -> Option<&Policy> {
        self.config.servers.get(self.server.as_str()).map(|server| &server.policy)
    }
}

impl Audience for Viewer {
    fn sees(&self, list: List, name: &str) -> bool {
        let listed = |policy: &Policy| policy.is_listed(&self.caller.rights(), &Capability::new(kind(list), name));
        self.policy().is_some_and(listed)
    }

    fn has(&self, list: List) -> bool {
        self.policy().is_some_and(|policy| !policy.hides_all(kind(list)))
    }
}

fn lacking(capability: &Capability<'_>) -> Lacking {
    let name = Some(capability.name.to_owned());
    match capability.kind {
        CapabilityKind::Tool => Lacking { tool: name, ..Lacking::default() },
        CapabilityKind::Prompt => Lacking { prompt: name, ..Lacking::default() },
        CapabilityKind::Resource | CapabilityKind::ResourceTemplate => Lacking { uri: name, ..Lacking::default() },
    }
}

const fn kind(list: List) -> CapabilityKind {
    match list {
        List::Tools => CapabilityKind::Tool,
        List::Prompts => CapabilityKind::Prompt,
        List::Resources => CapabilityKind::Resource,
        List::ResourceTemplates => CapabilityKind::ResourceTemplate,
    }
}

/// As a server says that it does not know a thing: whether it exists must not show (2025-11-25 and 2026-07-28, "Error
/// Handling" of tools, prompts and resources).
fn unknown(capability: &Capability<'_>, era: Era) -> Failure {
    let Capability { kind, name, .. } = *capability;
    let (code, message) = match (kind, era) {
        (CapabilityKind::Tool, _) => (Code::InvalidParams, format!("Unknown tool: {name}")),
        (CapabilityKind::Prompt, _) => (Code::InvalidParams, format!("Unknown prompt: {name}")),
        (_, Era::Modern) => (Code::InvalidParams, format!("Resource not found: {name}")),
        (_, Era::Legacy) => (Code::ResourceNotFound, format!("Resource not found: {name}")),
    };
    Failure::client(200, "capability_unknown", message)
        .rpc(code)
        .logged("A capability is not there, or not shown to the caller.")
        .fix("List what the server has; if something is missing there, ask the operator of this gateway.")
}

/// A message of which it cannot be told what it asks for.
fn unclear() -> Failure {
    let message = "It cannot be told by name what this message asks for, and not everything is allowed here.";
    Failure::client(400, "capability_unclear", message).rpc(Code::InvalidParams).fix(
        "Nothing was sent to the server. Write each name once, as a text, under the member that its method has for it; \
         methods that the gateway does not know are refused here.",
    )
}

/// An answer that cannot be shown.
fn unreadable(why: Unreadable, slug: &str) -> Failure {
    let what = match why {
        Unreadable::TooLong { .. } => "is too long to be read",
        Unreadable::NotJson => "is not JSON, or ended early",
        Unreadable::Malformed => "is no answer of MCP",
        Unreadable::Ambiguous => "may be read in two ways",
    };
    let message = format!("What the server answered {what}, so the gateway cannot tell what of it is for this caller.");
    Failure::new(Blame::Upstream, 502, "upstream_unreadable", message)
        .rpc(Code::Internal)
        .fix("Try again; if it stays, tell whoever runs the server, with the request id.")
        .slug(slug)
}
