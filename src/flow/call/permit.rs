//! Whether a caller may do what a message asks for: the one place where policy is asked on the way of a call.
//!
//! Not here: the decision (`policy`), which things a message asks for (`mcp::message::named`), and what a caller sees
//! of an answer (`flow::call::listed`).

use super::context::Call;
use super::{challenge, resume};
use crate::authorization_log::AuthorizationStep;
use crate::caller::By;
use crate::flow::boxed;
use crate::flow::connection::catalogue;
use crate::flow::connection::catalogue::kind;
use crate::mcp::message::envelope::{Message, Payload};
use crate::mcp::message::error::{Code, Lacking};
use crate::mcp::message::named;
use crate::mcp::message::named::{Named, Unclear};
use crate::mcp::transport::revision::Era;
use crate::oauth::api_key::KeyKind;
use crate::oauth::error::ErrorCode;
use crate::policy::{Arguments, Capability, CapabilityKind, Decision, Denial, Requirement};
use crate::ports::{Platform, Unavailable};
use crate::time::Lifetime;
use crate::web::failure::Failure;
use crate::web::route::Endpoint;

/// How soon a client that is told of a missing scope comes for a token that will not have it either.
const STEP_UP: Lifetime = Lifetime(10);

impl<P: Platform> Call<'_, P> {
    /// Refuses a message that asks for what its caller may not use. Of a batch nothing is sent where one member is
    /// refused.
    pub async fn permit(&self, payload: &Payload, body: &[u8]) -> Result<(), Failure> {
        if self.server.policy.is_empty() {
            return Ok(());
        }
        let each = named::each(body).map_err(|Unclear| unclear())?;
        match payload {
            // No filter keeps a person from connecting.
            Payload::One(message) if resume::is_for_stand_in(self, message) => Ok(()),
            Payload::One(message) => self.permit_each(std::slice::from_ref(message), &each).await,
            Payload::Batch(messages) => self.permit_each(messages, &each).await,
        }
    }

    async fn permit_each(&self, messages: &[Message], each: &[&str]) -> Result<(), Failure> {
        if messages.len() != each.len() {
            return Err(unclear());
        }
        for (message, json) in messages.iter().zip(each) {
            for named in named::named(message, json).map_err(|Unclear| unclear())? {
                self.permit_named(&named).await?;
            }
        }
        Ok(())
    }

    async fn permit_named(&self, named: &Named<'_>) -> Result<(), Failure> {
        let policy = &self.server.policy;
        let capability = Capability::new(kind(named.list), &named.name);
        let tools = if policy.depends_on_tools(&capability) {
            let key = catalogue::key(self.server, self.caller);
            let shown = boxed(catalogue::tools_showing(self.context, &key, &named.name)).await;
            shown.map_err(|Unavailable| Failure::storage())?
        } else {
            Vec::new()
        };
        let shown_by: Vec<&str> = tools.iter().map(String::as_str).collect();
        let capability = Capability { shown_by: &shown_by, ..capability };
        let arguments = named.arguments.as_deref().map_or(Arguments::NONE, Arguments::of);
        let rights = self.caller.rights();
        let decision = match named.arguments {
            Some(_) => policy.decide(&rights, &capability, arguments),
            None if named.is_call => policy.decide(&rights, &capability, Arguments::NONE),
            None => policy.decide_without_call(&rights, &capability),
        };
        self.context.record.step(AuthorizationStep::Policy);
        self.context.record.decided(decision.name(), decision.rule());
        match decision {
            Decision::Allow => Ok(()),
            Decision::Hide => Err(unknown(&capability, self.era)),
            Decision::Deny(denial) => Err(self.denied(&capability, &denial)),
        }
    }

    fn way_to_role(&self, wanted: &str) -> String {
        if let Some(issuer) = self.caller.by.issuer() {
            return format!("Ask whoever runs the issuer {issuer} for the role {wanted}, and authorize there anew.");
        }
        if let By::Key { kind: KeyKind::Service, .. } = &self.caller.by {
            return format!("Ask the operator for a key with the role {wanted}; what a key may do never changes.");
        }
        if let By::Agent { .. } = &self.caller.by {
            return format!("An agent has the roles of its sponsor's last sign-in: ask them for the role {wanted}.");
        }
        if let By::Machine { .. } = &self.caller.by {
            return format!("Ask the operator to give this client the role {wanted}.");
        }
        format!(
            "Ask whoever runs the identity provider for the role {wanted}. Then sign out and in again at {}, and \
             authorize the client anew.",
            self.context.url(Endpoint::Connections.path())
        )
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
                let fix = match &self.caller.by {
                    By::AccessToken { grant, .. } => {
                        let (memory, now) = (self.context.memory, self.context.now);
                        memory.stepping_up.put(grant.as_str(), (), now + STEP_UP, now);
                        "Authorize again and ask for the scopes of the challenge; most clients do so by themselves."
                    }
                    By::Machine { .. } => {
                        "Ask for a token with that scope, or ask the operator to let the client have it."
                    }
                    By::Agent { .. } => "Ask the sponsor of the agent to name one with that scope.",
                    By::External { .. } => "Ask the issuer of the token for one with the scopes of the challenge.",
                    By::Key { .. } => "Make another API key that has the scope; what a key may do never changes.",
                };
                Failure::client(403, "capability_scope_missing", format!("The {kind} {name} needs the scope {scope}."))
                    .code(ErrorCode::InsufficientScope)
                    .rpc(Code::Denied)
                    .logged("A capability needs a scope that the caller was not granted.")
                    .lacking(Lacking {
                        granted_scopes: Some(granted.iter().map(str::to_owned).collect()),
                        required_scope: Some(scope.to_owned()),
                        ..lacking
                    })
                    .fix(fix)
                    .challenge(challenge::for_scope(self.context, self.server, &ask, &description))
            }
            Requirement::Role(roles) => {
                let wanted = roles.join(" or ");
                Failure::client(200, "capability_role_missing", format!("The {kind} {name} needs the role {wanted}."))
                    .rpc(Code::Denied)
                    .logged("A capability needs a role that the caller does not have.")
                    .lacking(Lacking { required_roles: Some(roles.to_vec()), ..lacking })
                    .fix(self.way_to_role(&wanted))
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

fn lacking(capability: &Capability<'_>) -> Lacking {
    let name = Some(capability.name.to_owned());
    match capability.kind {
        CapabilityKind::Tool => Lacking { tool: name, ..Lacking::default() },
        CapabilityKind::Prompt => Lacking { prompt: name, ..Lacking::default() },
        CapabilityKind::Resource | CapabilityKind::ResourceTemplate => Lacking { uri: name, ..Lacking::default() },
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
