//! What a caller sees of what a server says of itself, asked just now, moments ago, or when it last could be asked.
//!
//! Not here: how an answer is rewritten (`mcp::rewrite`), keeping it (`flow::connection::catalogue`), whether a message
//! may be sent at all (`flow::call::permit`).

use std::rc::Rc;

use http::StatusCode;
use serde_json::Value;

use super::context::Call;
use super::{reached, unconnected};
use crate::caller::Caller;
use crate::config::{CatalogueOwner, Config};
use crate::flow::connection;
use crate::flow::connection::catalogue;
use crate::flow::connection::catalogue::kind;
use crate::headers::HeaderName;
use crate::json;
use crate::mcp::apps::ToolPages;
use crate::mcp::catalogue::{Part, ReadyResult, params};
use crate::mcp::message::envelope::{Message, Payload};
use crate::mcp::message::error::Code;
use crate::mcp::rewrite::Unreadable;
use crate::mcp::rewrite::answer::{Edit, Edited, RewrittenAnswer};
use crate::mcp::rewrite::list::List;
use crate::mcp::rewrite::news::CatalogueNews;
use crate::mcp::rewrite::result::{Audience, Observed, Seen};
use crate::mcp::transport::forward;
use crate::mcp::transport::header_names::SESSION_ID;
use crate::mcp::transport::response::MediaType;
use crate::mcp::transport::revision::Era;
use crate::mcp::transport::session::{InitializeParams, Session};
use crate::memory::catalogues::{Catalogues, FreshResult, NotedPart, UnreadableAnswer};
use crate::policy::{Capability, CapabilityKind, Policy};
use crate::ports::Platform;
use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};
use crate::upstream::catalogue::CatalogueKey;
use crate::web::failure::{Blame, Failure};
use crate::web::reply::Reply;

/// Of an answer that is rewritten: a list of 2,000 tools has 2 MB.
const LONGEST_ANSWER: usize = 16 << 20;

/// No result is fresh for longer, in seconds.
const LONGEST_FRESH: u64 = 86_400;

/// Reasons that say that the server cannot be asked for the moment.
const DOWN: &[&str] = &["upstream_unreachable", "upstream_timeout", "upstream_error", "server_left_alone"];

/// A question about what a server is and has.
pub struct CatalogueQuestion {
    /// What is asked for.
    pub part: Part,
    /// The id it is answered to, as JSON.
    id: String,
    /// Whether it is the first page of a list that is asked for.
    is_whole: bool,
    /// The digest of everything that the answer may depend on, the account aside.
    said: Digested,
}

impl<P: Platform> Call<'_, P> {
    /// The question that a message asks, if it is one.
    pub fn question(&self, payload: &Payload, body: &[u8], session: Option<&Session>) -> Option<CatalogueQuestion> {
        let Payload::One(message) = payload else { return None };
        let part = Part::of(message.method()?)?;
        let id = serde_json::to_string(message.id()?).ok()?;
        let body = std::str::from_utf8(body).ok()?;
        // What reaches the server of the client's headers, but for the trace, which says nothing to it.
        let headers = forward::request_headers(&self.head.headers, None, &Vec::new(), self.era);
        let headers: Vec<_> = headers.iter().collect();
        let client = session.and_then(|session| session.initialize.as_ref()).map_or("", InitializeParams::as_str);
        let (params, is_whole) = params(body);
        let said = format!("{}\n{headers:?}\n{client}\n{params}", self.era.as_str());
        Some(CatalogueQuestion { part, id, is_whole, said: Digested::of(&said) })
    }

    /// A result that the server gave moments ago with the same credentials, and that is fresh.
    pub fn fresh(
        &self,
        payload: &Payload,
        question: &CatalogueQuestion,
        generation: Option<u64>,
    ) -> Option<Reply<P::Stream>> {
        let Payload::One(message) = payload else { return None };
        let Part::List(_) = question.part else { return None };
        let (context, key) = (self.context, catalogue::key(self.server, self.caller));
        let everybodys = catalogue::fresh_name(&key, question.part, question.said.as_str(), None);
        let found = context.memory.catalogues.get(&everybodys, context.now).or_else(|| {
            let subject = Some(self.caller.subject.as_str());
            let own = catalogue::fresh_name(&key, question.part, question.said.as_str(), subject);
            context.memory.catalogues.get(&own, context.now)
        })?;
        if found.generation.is_some() && found.generation != generation {
            return None;
        }
        let id = serde_json::to_string(message.id()?).ok()?;
        let left = found.until.remaining(context.now).0.saturating_mul(1000);
        let json = found.result.response(&id, left).into_bytes();
        let seen = (!self.server.policy.is_empty()).then(|| Seen(self.viewer()));
        let json = match seen.map_or(Ok(Edited::Same), |seen| seen.edit(&json)).ok()? {
            Edited::Same => json,
            Edited::Changed(json) => json,
            Edited::Gone => return None,
        };
        Some(Reply::bytes(StatusCode::OK, "application/json", json))
    }

    /// What the server last said to a question, as its caller may see it.
    pub async fn last_known(&self, question: &CatalogueQuestion) -> Option<Value> {
        let kept = catalogue::recall(self.context, self.server, self.caller, question.part).await?;
        let json = format!(r#"{{"result":{}}}"#, question.part.result(&kept)).into_bytes();
        let json = match Seen(self.viewer()).edit(&json).ok()? {
            Edited::Same => json,
            Edited::Changed(json) => json,
            Edited::Gone => return None,
        };
        let mut response: Value = json::read(&json).ok()?;
        response.get_mut("result").map(Value::take)
    }

    /// Learns which pages tools have, before a list is shown that such a page may be in. What storage does not tell is
    /// left out of the list.
    pub async fn learn_pages(&self) {
        let key = catalogue::key(self.server, self.caller);
        let _ = catalogue::learn_pages(self.context, &key).await;
    }

    /// Whether an answer lists resources that are shown to their callers where a tool has them for its page.
    pub fn lists_pages(&self, payload: &Payload) -> bool {
        let lists = |message: &Message| message.method().and_then(List::of) == Some(List::Resources);
        self.server.policy.speaks_of(CapabilityKind::Resource)
            && match payload {
                Payload::One(message) => lists(message),
                Payload::Batch(messages) => messages.iter().any(lists),
            }
    }

    /// The answer to a question while the server cannot be asked, from what it last said.
    pub async fn answer_for(
        &self,
        payload: &Payload,
        question: &CatalogueQuestion,
        failure: &Failure,
    ) -> Option<Reply<P::Stream>> {
        let Payload::One(message) = payload else { return None };
        if !DOWN.contains(&failure.reason) || !question.is_whole {
            return None;
        }
        let known = self.last_known(question).await?;
        let initialize = self.initialize.as_ref().map(InitializeParams::as_str);
        let stand_in = unconnected::server(self);
        let answer = stand_in.answer_as_known(message, self.era, initialize, known)?;
        reached::note_stand_in(self.context, self.server);
        let reply = Reply::json(StatusCode::OK, &answer).log_reason(catalogue::STANDS_IN);
        Some(self.with_waiting_session(message, reply))
    }

    /// The answer to `initialize` that the server has not heard of, with a session that it is told of later.
    pub fn with_waiting_session(&self, message: &Message, reply: Reply<P::Stream>) -> Reply<P::Stream> {
        if self.era == Era::Modern || message.method() != Some("initialize") {
            return reply;
        }
        let session = Session::waiting(self.initialize.clone());
        reply.with(HeaderName::from_static(SESSION_ID), &self.seal(&session))
    }
}

impl<P: Platform> Call<'_, P> {
    /// A reply as its caller may see it. Only answers that say what a server has are read, and streams that may tell of
    /// resources where those are filtered.
    pub fn shown(
        &self,
        payload: &Payload,
        question: Option<CatalogueQuestion>,
        generation: Option<u64>,
        reply: Reply<P::Stream>,
    ) -> Reply<P::Stream> {
        let Some(media_type) = MediaType::of(reply.headers()) else { return reply };
        let audience = self.is_read(payload, media_type).then(|| self.viewer());
        if audience.is_none() && question.is_none() {
            return reply;
        }
        let id = match payload {
            Payload::One(message) => message.id().cloned(),
            Payload::Batch(_) => None,
        };
        let (slug, request_id) = (self.server.slug.to_string(), self.context.request_id().to_owned());
        let catalogues = Rc::clone(&self.context.memory.catalogues);
        let refuse = move |why: Unreadable| {
            let failure = unreadable(why, &slug);
            let (request_id, server, message) = (request_id.clone(), slug.clone(), failure.message.clone());
            let response = failure.rpc_response(id.as_ref(), &request_id);
            catalogues.note_unreadable(UnreadableAnswer { request_id, server, message });
            response
        };
        let edit = Observed { audience, notice: self.notice(question, generation) };
        reply.rewritten(Box::new(RewrittenAnswer::new(media_type, LONGEST_ANSWER, edit, refuse)))
    }

    /// What is done with each message of an answer, as the server sent it.
    fn notice(
        &self,
        question: Option<CatalogueQuestion>,
        generation: Option<u64>,
    ) -> impl Fn(CatalogueNews<'_>) + 'static {
        let catalogues = Rc::clone(&self.context.memory.catalogues);
        let key = catalogue::key(self.server, self.caller);
        let is_own = connection::key(self.server, self.caller).as_ref() == Some(key.account());
        let generation = generation.filter(|_| is_own);
        let (now, configured) = (self.context.now, self.server.list_cache);
        let is_everybodys = self.server.catalogue == CatalogueOwner::Server;
        let subject = self.caller.subject.clone();
        let has_pages = self.server.policy.speaks_of(CapabilityKind::Resource);
        move |news| match (news, &question) {
            (CatalogueNews::ListChanged, _) => catalogues.forget(key.account().name()),
            // In a session some servers send an answer to whoever asked last.
            (CatalogueNews::Result(told), Some(question)) if told.id == question.id => {
                let CatalogueQuestion { part, is_whole, said, .. } = question;
                let milliseconds = configured.map_or(told.ttl.unwrap_or(0), |own| own.0.saturating_mul(1000));
                if milliseconds >= 1000 {
                    let for_all = is_everybodys || told.ttl.is_some() && told.is_public;
                    let subject = Some(subject.as_str()).filter(|_| !for_all);
                    let name = catalogue::fresh_name(&key, *part, said.as_str(), subject);
                    let until = now + Lifetime((milliseconds / 1000).min(LONGEST_FRESH));
                    let account = key.account().name().to_owned();
                    if let Some(result) = ReadyResult::of(&told) {
                        catalogues.put(name, FreshResult { result, until, account, generation }, now);
                    }
                }
                let kept = is_whole.then(|| part.kept(&told)).flatten();
                let name = key.name(part.name());
                if has_pages && *part == Part::List(List::Tools) {
                    catalogues.put_pages(&name, ToolPages::of_result(told.text), kept.is_some(), now);
                }
                let Some(kept) = kept else { return };
                if !catalogues.is_noted(&name, kept.len(), now) {
                    let kept = kept.to_owned();
                    catalogues.note(name, NotedPart { key: key.clone(), generation, part: *part, kept }, now);
                }
            }
            _ => {}
        }
    }

    fn viewer(&self) -> Viewer {
        Viewer {
            config: Rc::clone(&self.context.config),
            server: self.server.slug.to_string(),
            caller: Rc::clone(self.caller),
            catalogues: Rc::clone(&self.context.memory.catalogues),
            tools: catalogue::key(self.server, self.caller),
            now: self.context.now,
        }
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
    /// The pages that tools show, by the list that says so.
    catalogues: Rc<Catalogues>,
    tools: CatalogueKey,
    now: Timestamp,
}

impl Viewer {
    fn policy(&self) -> Option<&Policy> {
        self.config.servers.get(self.server.as_str()).map(|server| &server.policy)
    }

    fn tools_showing(&self, page: &str) -> Vec<String> {
        self.catalogues.tools_showing(&self.tools.name(List::Tools.member()), page, self.now)
    }
}

impl Audience for Viewer {
    fn sees(&self, list: List, name: &str) -> bool {
        let capability = Capability::new(kind(list), name);
        self.policy().is_some_and(|policy| {
            let tools = if policy.depends_on_tools(&capability) { self.tools_showing(name) } else { Vec::new() };
            let shown_by: Vec<&str> = tools.iter().map(String::as_str).collect();
            policy.is_listed(&self.caller.rights(), &Capability { shown_by: &shown_by, ..capability })
        })
    }

    fn has(&self, list: List) -> bool {
        self.policy().is_some_and(|policy| !policy.hides_all(kind(list)))
    }
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
    Failure::new(Blame::Upstream, 502, catalogue::UNREADABLE, message)
        .rpc(Code::Internal)
        .fix("Try again; if it stays, tell whoever runs the server, with the request id.")
        .slug(slug)
}
