//! The console's servers, as a page and as JSON, checking one, and connecting one for everybody.
//!
//! Not here: what is known of a server (`flow::call::reached`), and the same act for programs
//! (`flow::admin::shared_connection`).

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::form;
use super::form::{Act, ActKind, Posted, back, form_gone};
use super::frame::{enter, frame};
use super::question::{Confirmation, ask};
use crate::config::{Auth, Server};
use crate::flow::admin::{check, operator, shared_connection};
use crate::flow::call::reached;
use crate::flow::call::reached::Reachability;
use crate::flow::connection::catalogue;
use crate::flow::{Answered, Head, RequestContext, boxed};
use crate::page;
use crate::page::{CheckFinding, CheckPage, CheckedStep, ConsoleServer, Outside, ServerStanding};
use crate::ports::Platform;
use crate::time::Timestamp;
use crate::upstream::check::{UpstreamFinding, UpstreamStep, Weight};
use crate::web::reply::Reply;
use crate::web::route::{Endpoint, ResourceForm};

/// A server as programs read of it.
#[derive(Serialize)]
struct Told<'a> {
    slug: &'a str,
    name: &'a str,
    url: String,
    #[serde(flatten)]
    condition: Reachability,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalogue_at: Option<Timestamp>,
}

/// `GET /admin/servers` as a page.
pub async fn show<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    let signed_in = match enter(context, head).await {
        Ok(signed_in) => signed_in,
        Err(elsewhere) => return elsewhere,
    };
    let mut servers = Vec::new();
    for server in context.config.servers.values() {
        let (condition, catalogue) = condition(context, server).await;
        servers.push(shown(context, server, &condition, catalogue));
    }
    let disconnected = head.query().strip_prefix("disconnected=").and_then(|slug| context.config.servers.get(slug));
    let news = disconnected.map(|server| format!("{} is disconnected for everybody.", server.name));
    let page = page::ConsoleServersPage { frame: frame(context, &signed_in, Endpoint::AdminServers, news), servers };
    Ok(Reply::page(StatusCode::OK, page.render()))
}

/// `GET /admin/servers` as JSON.
pub async fn tell<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    operator::reads(context, head).await?;
    let mut servers = Vec::new();
    for server in context.config.servers.values() {
        let (condition, catalogue_at) = condition(context, server).await;
        let url = ResourceForm::shown(&context.origin, server).url();
        servers.push(json!(Told { slug: server.slug.as_str(), name: &server.name, url, condition, catalogue_at }));
    }
    Ok(Reply::json(StatusCode::OK, &json!({ "servers": servers })))
}

/// `POST /admin/servers`: checking one, the way to connect one for everybody, or disconnecting it.
pub async fn answer<P: Platform>(context: &RequestContext<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    let posted = form::read(context, head, body).await?;
    if let Some(act) = posted.confirmed().filter(|act| act.kind == ActKind::DisconnectShared) {
        shared_connection::disconnect(context, &posted.operator(), &act.of).await?;
        return Ok(back(Endpoint::AdminServers, &[("disconnected", &act.of)]));
    }
    let slug = posted.field("slug").ok_or_else(form_gone)?;
    match posted.field("act") {
        Some("connect_shared") => {
            let (path, _) = shared_connection::link(context, &posted.operator(), slug)?;
            Ok(Reply::see_other(&path))
        }
        Some("check") => check_page(context, &posted, slug).await,
        Some("disconnect_shared") => ask_to_disconnect(context, &posted, slug),
        _ => Err(form_gone()),
    }
}

/// What a check comes to. It changes nothing, so it is done at once, and shown in the answer: another isolate would not
/// know it.
async fn check_page<P: Platform>(context: &RequestContext<'_, P>, posted: &Posted, slug: &str) -> Answered<P> {
    let server = context.config.servers.get(slug).ok_or_else(form_gone)?;
    let checked = boxed(check::of(context, &posted.operator(), slug)).await?;
    let step = |step: &UpstreamStep| CheckedStep {
        name: step.name.as_str(),
        skipped: step.skipped,
        said: step.said.clone(),
        faults: checked.findings.iter().filter(|finding| finding.step == step.name).count(),
    };
    let finding = |finding: &UpstreamFinding| CheckFinding {
        id: finding.id,
        warning: finding.weight == Weight::Warning,
        says: finding.says.clone(),
        facts: vec![
            ("Where", finding.at.clone()),
            ("Rule", format!("{} ({})", finding.rule, finding.source)),
            ("Expected", if finding.expected == finding.rule { String::new() } else { finding.expected.clone() }),
            ("Seen", finding.seen.clone()),
            ("To act", finding.who.in_words().to_owned()),
        ],
        fix: finding.fix.clone(),
    };
    let page = CheckPage {
        frame: frame(context, &posted.signed_in, Endpoint::AdminServers, None),
        slug: slug.to_owned(),
        name: server.name.clone(),
        steps: checked.steps.iter().map(step).collect(),
        findings: checked.findings.iter().map(finding).collect(),
        outside: Outside { url: ResourceForm::shown(&context.origin, server).url() },
        back: Endpoint::AdminServers.path().to_owned(),
    };
    Ok(Reply::page(StatusCode::OK, page.render()))
}

fn ask_to_disconnect<P: Platform>(context: &RequestContext<'_, P>, posted: &Posted, slug: &str) -> Answered<P> {
    let server = context.config.servers.get(slug).ok_or_else(form_gone)?;
    let question = Confirmation {
        endpoint: Endpoint::AdminServers,
        act: Act::new(ActKind::DisconnectShared, slug),
        title: format!("Disconnect {} for everybody?", page::short(&server.name)),
        consequence: "Nobody can use it until an operator connects it again. Its provider is told, where it can be."
            .to_owned(),
        yes: "Disconnect",
        back: Endpoint::AdminServers.path().to_owned(),
        facts: vec![("Server", slug.to_owned())],
    };
    Ok(ask(context, &posted.signed_in, question))
}

async fn condition<P: Platform>(context: &RequestContext<'_, P>, server: &Server) -> (Reachability, Option<Timestamp>) {
    (reached::condition(context, server, true).await, catalogue::kept_at(context, server).await)
}

fn shown<P: Platform>(
    context: &RequestContext<'_, P>,
    server: &Server,
    condition: &Reachability,
    catalogue: Option<Timestamp>,
) -> ConsoleServer {
    let last = condition.last_used.as_ref();
    let standing = match last {
        _ if condition.connected == Some(false) => ServerStanding::NotConnected,
        None => ServerStanding::NotUsed,
        Some(used) if used.reason.is_some() => ServerStanding::Failing,
        Some(_) => ServerStanding::Answering,
    };
    ConsoleServer {
        slug: server.slug.to_string(),
        name: server.name.clone(),
        url: ResourceForm::shown(&context.origin, server).url(),
        upstream: server.url.to_string(),
        authentication: authentication(server),
        standing,
        reason: last.and_then(|used| used.reason),
        used: last.map(|used| used.at),
        succeeded: condition.last_success,
        refreshes: condition.failing_refreshes.as_ref().map(|failing| (failing.times, failing.since, failing.reason)),
        checked: condition.last_check.as_ref().map(|last| (last.at, last.findings.len())),
        catalogue,
        own_catalogues: catalogue::is_personal(server),
        dead: condition.policy_entries_dead.iter().map(entry).collect(),
        shared: server.is_connected_by_operator().then(|| condition.connected == Some(true)),
    }
}

/// A dead entry in a few words: of what kind it is, and what is written.
pub(super) fn entry(dead: &Value) -> String {
    let kind = dead.get("kind").and_then(Value::as_str).unwrap_or_default();
    let written = dead.get("entry").and_then(Value::as_object).and_then(|entry| entry.values().next());
    format!("{}: {}", kind.replace('_', " "), written.and_then(Value::as_str).unwrap_or_default())
}

fn authentication(server: &Server) -> &'static str {
    match &server.auth {
        Auth::None => "takes no authentication",
        Auth::Headers(_) if server.is_personal() => "each person enters a value",
        Auth::Headers(_) => "the gateway sends a header",
        Auth::OAuth(oauth) if oauth.shared => "one account for everybody",
        Auth::OAuth(_) => "each person connects an account",
        Auth::ClientCredentials(_) => "the gateway has an account of its own",
    }
}
