//! What a server last said it is and has, kept for the moments when it cannot be asked.
//!
//! Whoever reads it sees no more of it than policy shows them, so an old one is never a wrong answer, and a lost one
//! costs a list. Not here: what of an answer is kept (`mcp::catalogue`), and when it stands in (`flow::call`).

use std::rc::Rc;

use serde::Serialize;
use serde_json::json;

use super::{key as connection_key, sealed};
use crate::caller::Caller;
use crate::config::{CatalogueOwner, Server};
use crate::flow::RequestContext;
use crate::mcp::apps::ToolPages;
use crate::mcp::catalogue::{KnownAnswer, Part};
use crate::mcp::rewrite::list::List;
use crate::memory::Memory;
use crate::memory::catalogues::{NotedPart, UnreadableAnswer};
use crate::policy::{CapabilityKind, DeadEntry};
use crate::ports::{Platform, Unavailable};
use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};
use crate::upstream::catalogue::CatalogueKey;
use crate::upstream::connection::{Command, Outcome};
use crate::upstream::key::{ConnectionKey, FIRST_ACCOUNT, Owner};
use crate::vault::{KeyRing, Purpose};
use crate::web::failure::Blame;

/// The stable code of answers that the server could not be asked for.
pub const STANDS_IN: &str = "list_from_catalogue";
/// The stable code of answers that cannot be shown.
pub const UNREADABLE: &str = "upstream_unreadable";

/// How long the directory keeps it after it was last the same.
const KEPT: Lifetime = Lifetime::days(90);
/// How old what is kept may grow before it is kept anew although it is the same.
const RENEWED: Lifetime = Lifetime::days(30);
/// How long an isolate goes by what it knows the directory to have.
const REMEMBERED: Lifetime = Lifetime::days(1);

const TOOLS: Part = Part::List(List::Tools);

/// The catalogue of a server that a caller's answers are kept in. Where nobody connects the server, everybody is one
/// account of it.
pub fn key(server: &Server, caller: &Caller) -> CatalogueKey {
    let own = connection_key(server, caller).filter(|_| server.catalogue == CatalogueOwner::Person);
    let account = own.unwrap_or_else(|| gateways(server));
    CatalogueKey::new(account, sealed::binding(server))
}

/// The catalogue of what a subject's first account is told, or everybody: what can be looked up without a call.
pub fn key_of(server: &Server, subject: Option<&str>) -> CatalogueKey {
    let owner =
        subject.filter(|_| is_personal(server)).map_or(Owner::Gateway, |subject| Owner::Subject(subject.to_owned()));
    CatalogueKey::new(ConnectionKey::new(owner, server.slug.as_str(), FIRST_ACCOUNT), sealed::binding(server))
}

/// What a server last said to a question.
pub async fn recall<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    caller: &Caller,
    part: Part,
) -> Option<String> {
    let key = key(server, caller);
    let stored = context.platform.get(&key.name(part.name())).await.ok()??;
    Some(open(&context.keys, &key, part, &stored)?.kept().to_owned())
}

/// When the tools that a server last listed were kept, where its catalogue is everybody's.
pub async fn kept_at<P: Platform>(context: &RequestContext<'_, P>, server: &Server) -> Option<Timestamp> {
    if is_personal(server) {
        return None;
    }
    let key = CatalogueKey::new(gateways(server), sealed::binding(server));
    let part = Part::List(List::Tools);
    let stored = context.platform.get(&key.name(part.name())).await.ok()??;
    Some(open(&context.keys, &key, part, &stored)?.at)
}

/// Whether each account has a catalogue of its own.
pub fn is_personal(server: &Server) -> bool {
    server.is_personal() && server.catalogue == CatalogueOwner::Person
}

fn gateways(server: &Server) -> ConnectionKey {
    ConnectionKey::new(Owner::Gateway, server.slug.as_str(), FIRST_ACCOUNT)
}

/// The tools of a catalogue that show a page. The directory is asked where this isolate knows of none.
pub async fn tools_showing<P: Platform>(
    context: &RequestContext<'_, P>,
    key: &CatalogueKey,
    page: &str,
) -> Result<Vec<String>, Unavailable> {
    let known = || context.memory.catalogues.tools_showing(&key.name(TOOLS.name()), page, context.now);
    let tools = known();
    if !tools.is_empty() {
        return Ok(tools);
    }
    learn_pages(context, key).await?;
    Ok(known())
}

/// Learns the pages of a catalogue's tools from the directory, twice a minute at most.
pub async fn learn_pages<P: Platform>(context: &RequestContext<'_, P>, key: &CatalogueKey) -> Result<(), Unavailable> {
    let (name, catalogues) = (key.name(TOOLS.name()), &context.memory.catalogues);
    if catalogues.may_have_missed_pages(&name, context.now) {
        let known = context.platform.get(&name).await?.and_then(|stored| open(&context.keys, key, TOOLS, &stored));
        let pages = known.map(|known| ToolPages::of(known.kept())).unwrap_or_default();
        catalogues.put_pages(&name, pages, false, context.now);
    }
    Ok(())
}

/// What is logged of an answer that could not be shown.
#[derive(Serialize)]
struct Line {
    event: &'static str,
    request_id: String,
    server: String,
    reason: &'static str,
    blame: &'static str,
    message: String,
}

/// Keeps what was noted, where it is another than what is kept, and says of which answers nothing could be.
pub async fn settle<P: Platform>(platform: &P, memory: &Memory, keys: &KeyRing) {
    for UnreadableAnswer { request_id, server, message } in memory.catalogues.take_unreadable() {
        let blame = Blame::Upstream.as_str();
        let line = Line { event: "answer_unreadable", request_id, server, reason: UNREADABLE, blame, message };
        platform.record(&serde_json::to_string(&line).unwrap_or_default());
    }
    for noted in memory.catalogues.take() {
        let name = noted.key.name(noted.part.name());
        take_stock(platform, memory, &noted);
        let digest = Digested::of(&noted.kept);
        if memory.kept.get(&name, platform.now()).is_some_and(|kept| kept == digest) {
            continue;
        }
        // Storage that is down is asked another time.
        if keep(platform, keys, &name, &noted).await.is_ok() {
            memory.kept.put(name, digest, platform.now() + REMEMBERED, platform.now());
        }
    }
}

/// Remembers what a list names. Where that is new here and a policy means nothing in it, the log has a line of it.
fn take_stock<P: Platform>(platform: &P, memory: &Memory, noted: &NotedPart) {
    let Part::List(list) = noted.part else { return };
    let config = memory.config.borrow().as_ref().map(|loaded| Rc::clone(&loaded.config));
    let slug = noted.key.account().slug();
    let Some(server) = config.as_ref().and_then(|config| config.servers.get(slug)) else { return };
    let (name, names) = (stock_name(server, list), noted.part.names(&noted.kept));
    let now = platform.now();
    if memory.listed.get(&name, now).is_some_and(|before| *before == names) {
        return;
    }
    memory.listed.put(name, Rc::new(names), now + REMEMBERED, now);
    log_dead_entries(platform, memory, server, list);
}

/// Writes a line of the entries about a kind that mean nothing, if there are any.
pub fn log_dead_entries<P: Platform>(platform: &P, memory: &Memory, server: &Server, list: List) {
    let dead = dead_entries(memory, server, list, platform.now());
    if !dead.is_empty() {
        let line = json!({"event": "policy_entries_dead", "server": server.slug.as_str(), "entries": dead});
        platform.record(&line.to_string());
    }
}

/// Learns what a server last listed to everybody from the directory, where this isolate has seen no list that its
/// policy is about.
pub async fn learn_names<P: Platform>(platform: &P, memory: &Memory, keys: &KeyRing, server: &Server) {
    let key = key_of(server, None);
    let now = platform.now();
    for list in List::ALL.into_iter().filter(|list| server.policy.speaks_of(kind(*list))) {
        let name = stock_name(server, list);
        if is_personal(server) || memory.listed.get(&name, now).is_some() {
            continue;
        }
        if let Some(names) = names(platform, keys, &key, list).await {
            memory.listed.put(name, Rc::new(names), now + REMEMBERED, now);
        }
    }
}

/// The names in the list of a catalogue that was kept last.
pub async fn names<P: Platform>(platform: &P, keys: &KeyRing, key: &CatalogueKey, list: List) -> Option<Vec<String>> {
    let part = Part::List(list);
    let stored = platform.get(&key.name(part.name())).await.ok()??;
    Some(part.names(open(keys, key, part, &stored)?.kept()))
}

/// The entries of a server's policy that mean nothing in the last list of a kind, as far as it is known here.
pub fn dead_entries<'s>(memory: &Memory, server: &'s Server, list: List, now: Timestamp) -> Vec<DeadEntry<'s>> {
    let Some(names) = memory.listed.get(&stock_name(server, list), now) else { return Vec::new() };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    server.policy.dead_entries(kind(list), &names)
}

/// What policy calls the things in a list.
pub const fn kind(list: List) -> CapabilityKind {
    match list {
        List::Tools => CapabilityKind::Tool,
        List::Prompts => CapabilityKind::Prompt,
        List::Resources => CapabilityKind::Resource,
        List::ResourceTemplates => CapabilityKind::ResourceTemplate,
    }
}

fn stock_name(server: &Server, list: List) -> String {
    format!("{}\n{}\n{}", server.slug, sealed::binding(server).as_str(), list.member())
}

async fn keep<P: Platform>(platform: &P, keys: &KeyRing, name: &str, noted: &NotedPart) -> Result<(), Unavailable> {
    let NotedPart { key, part, kept, .. } = noted;
    let now = platform.now();
    let known = platform.get(name).await?.and_then(|stored| open(keys, key, *part, &stored));
    if known.is_some_and(|known| known.kept() == kept && !(known.at + RENEWED).reached(now)) {
        return Ok(());
    }
    let Some(answer) = KnownAnswer::new(now, kept) else { return Ok(()) };
    let sealed = keys.seal_json(Purpose::Catalogue, &key.place(part.name()), platform.random(), &answer);
    platform.put(name, &sealed, Some(KEPT)).await?;
    if is_still_theirs(platform, noted).await { Ok(()) } else { platform.delete(name).await }
}

/// Whether the account is connected as it was when the server was asked: what is given up meanwhile would come back
/// with a put that was on its way.
async fn is_still_theirs<P: Platform>(platform: &P, noted: &NotedPart) -> bool {
    let Some(generation) = noted.generation else { return true };
    match platform.connection(noted.key.account(), Command::Read).await {
        Ok(Outcome::Live { generation: current, .. } | Outcome::Dead { generation: current, .. }) => {
            current == generation
        }
        _ => false,
    }
}

/// Gives up what a server said to an account: it is another one now, or none.
pub async fn forget<P: Platform>(platform: &P, memory: &Memory, account: &ConnectionKey, server: Option<&Server>) {
    memory.catalogues.forget(account.name());
    let Some(server) = server else { return };
    let key = CatalogueKey::new(account.clone(), sealed::binding(server));
    for part in Part::ALL {
        let name = key.name(part.name());
        memory.kept.forget(&name);
        memory.catalogues.forget_length(&name);
        memory.catalogues.forget_pages(&name);
        // What cannot be deleted is of the same person, and policy shows no more of it than they may see.
        let _ = platform.delete(&name).await;
    }
}

fn open(keys: &KeyRing, key: &CatalogueKey, part: Part, stored: &str) -> Option<KnownAnswer> {
    KnownAnswer::parse(&keys.open(Purpose::Catalogue, &key.place(part.name()), stored).ok()?)
}

/// The name of a fresh result of somebody's, or of everybody's at that account.
pub fn fresh_name(key: &CatalogueKey, part: Part, said: &str, subject: Option<&str>) -> String {
    let text = format!("{}\n{}\n{said}", key.name(part.name()), subject.unwrap_or_default());
    Digested::of(&text).as_str().to_owned()
}
