//! `GET /status`: what is ready, what is not and why, which servers are where and what they were like when last
//! used, and whether the public URL is the one people use.
//!
//! Not here: `/healthz`, which only says that the Worker runs.

use http::StatusCode;
use serde::Serialize;

use super::alarms::ToldAlarm;
use super::{alarms, operator};
use crate::config::{Config, Login, Origin};
use crate::flow::call::reached;
use crate::flow::call::reached::Reachability;
use crate::flow::login::{own_page, provider};
use crate::flow::{Head, RequestContext};
use crate::memory::{LoadedConfig, Memory};
use crate::page;
use crate::ports::Platform;
use crate::web::failure::{Blame, Failure};
use crate::web::origin;
use crate::web::reply::Reply;
use crate::web::route::ResourceForm;

#[derive(Serialize)]
struct Report<'a> {
    ready: bool,
    gateway_version: &'static str,
    configuration_version: Option<u64>,
    public_origin: Option<&'a str>,
    checks: Vec<Check>,
    warnings: Vec<Check>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alarms: Option<Vec<ToldAlarm>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    servers: Option<Vec<Listed<'a>>>,
    request_id: &'a str,
}

/// One thing that must be in order.
#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

#[derive(Serialize)]
struct Listed<'a> {
    slug: &'a str,
    name: &'a str,
    path: &'a str,
    url: String,
    #[serde(flatten)]
    condition: Reachability,
}

/// What was found out about the gateway before any configuration applies.
pub struct Readiness<'a> {
    /// The configuration, or why there is none.
    pub config: &'a Result<Option<LoadedConfig>, Failure>,
    /// The key ring, or why there is none.
    pub keys: Result<(), Failure>,
}

/// The report.
pub async fn report<P: Platform>(
    platform: &P,
    memory: &Memory,
    head: &Head,
    readiness: Readiness<'_>,
    context: Option<&RequestContext<'_, P>>,
    request_id: &str,
) -> Reply<P::Stream> {
    let storage = readiness.config.as_ref().map(|_| ()).map_err(Clone::clone);
    let configured = match readiness.config {
        Ok(None) => Err(not_configured()),
        _ => Ok(()),
    };
    let mut checks =
        vec![Check::of("storage", storage), Check::of("keys", readiness.keys), Check::of("configuration", configured)];
    let loaded = readiness.config.as_ref().ok().and_then(Option::as_ref);
    if let Some(context) = context {
        checks.push(Check::of("login", signing_in(context).await));
    }
    let mut warnings =
        loaded.map(|loaded| warnings(&loaded.config, head, context.map(|context| &context.origin))).unwrap_or_default();
    // Clients are served all the same.
    warnings.extend(operator::token(platform).err().map(|short| Check::of("operator_token", Err(short))));
    let ready = context.is_some() && checks.iter().all(|check| check.ok);
    let is_operator = operator::authorize(platform, memory, head).await.is_ok();
    let servers = match context.filter(|context| is_operator || context.shows_servers()) {
        Some(context) => Some(listed(context, is_operator).await),
        None => None,
    };
    warnings.extend(lost_entries(memory).filter(|_| is_operator));
    let report = Report {
        ready,
        gateway_version: env!("CARGO_PKG_VERSION"),
        configuration_version: loaded.map(|loaded| loaded.version),
        public_origin: context.map(|context| context.origin.as_str()),
        checks,
        warnings,
        alarms: is_operator.then(|| alarms::standing(memory, platform.now())),
        servers,
        request_id,
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if head.wants_page() { Reply::page(status, report.to_page().render()) } else { Reply::json(status, &report) }
}

/// What must be in order, and what should be looked at, of a gateway that gets as far as its console.
pub async fn findings<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
) -> (Vec<page::Finding>, Vec<page::Finding>) {
    let mut checks: Vec<_> = ["storage", "keys", "configuration"].map(|name| Check::of(name, Ok(()))).into();
    checks.push(Check::of("login", signing_in(context).await));
    let mut warnings = warnings(&context.config, head, Some(&context.origin));
    warnings.extend(operator::token(context.platform).err().map(|short| Check::of("operator_token", Err(short))));
    warnings.extend(lost_entries(context.memory));
    let warnings = warnings.iter().map(Check::to_finding);
    let alarms = alarms::standing(context.memory, context.now);
    (checks.iter().map(Check::to_finding).collect(), alarms.iter().map(ToldAlarm::to_finding).chain(warnings).collect())
}

fn lost_entries(memory: &Memory) -> Option<Check> {
    let lost = Some(memory.unwritten.lost()).filter(|lost| *lost > 0)?;
    let failed = Failure::new(
        Blame::Gateway,
        503,
        "log_write_failed",
        format!("{lost} entries of the authorization log could not be written since this isolate began."),
    );
    Some(Check::of("authorization_log", Err(failed.fix("Look at the health of the platform's objects."))))
}

async fn signing_in<P: Platform>(context: &RequestContext<'_, P>) -> Result<(), Failure> {
    match &context.config.login {
        Login::Dev { .. } | Login::Github(_) => Ok(()),
        Login::Oidc(oidc) => provider::metadata(context, oidc).await.map(|_| ()),
        Login::Page(page) => own_page::secret(context, page).map(|_| ()),
    }
}

/// The page at `/` while there is no configuration: how to send one.
pub fn page<S>(failure: &Failure, head: &Head, request_id: &str) -> Reply<S> {
    let claimed = origin::claimed(&head.url);
    let gateway = claimed.as_ref().map_or("$GATEWAY", Origin::as_str);
    let step = |what: &str, command: String| page::StatusStep { what: what.to_owned(), command };
    let send = format!(
        "curl -X PUT {gateway}/admin/config -H \"Authorization: Bearer $ADMIN_TOKEN\" -H \"Content-Type: \
         application/json\" -d @gateway.json"
    );
    let page = page::Status {
        steps: vec![
            step(&failure.fix, send),
            step("See what is ready and what is not", format!("curl -s {gateway}/status")),
        ],
        version: env!("CARGO_PKG_VERSION").to_owned(),
        request_id: request_id.to_owned(),
    };
    Reply::page(failure.status, page.render())
}

/// There is no configuration yet.
pub fn not_configured() -> Failure {
    Failure::new(Blame::Operator, 503, "not_configured", "This gateway has no configuration yet.").fix(
        "Send gateway.json with PUT /admin/config and the ADMIN_TOKEN as bearer token; scripts/dev and \
              scripts/deploy do so by themselves.",
    )
}

impl Report<'_> {
    fn to_page(&self) -> page::ReadinessPage {
        let server = |listed: &Listed<'_>| (listed.name.to_owned(), listed.url.clone());
        page::ReadinessPage {
            ready: self.ready,
            version: self.gateway_version.to_owned(),
            configuration: self.configuration_version,
            public_origin: self.public_origin.map(str::to_owned),
            checks: self.checks.iter().map(Check::to_finding).collect(),
            warnings: self
                .alarms
                .iter()
                .flatten()
                .map(ToldAlarm::to_finding)
                .chain(self.warnings.iter().map(Check::to_finding))
                .collect(),
            servers: self.servers.iter().flatten().map(server).collect(),
            request_id: self.request_id.to_owned(),
        }
    }
}

impl Check {
    fn to_finding(&self) -> page::Finding {
        page::Finding {
            name: self.name.replace('_', " "),
            ok: self.ok,
            reason: self.reason.clone(),
            problem: self.problem.clone(),
            fix: self.fix.clone(),
        }
    }

    fn of(name: &'static str, result: Result<(), Failure>) -> Self {
        match result {
            Ok(()) => Self { name, ok: true, reason: None, problem: None, fix: None },
            Err(failure) => Self {
                name,
                ok: false,
                reason: Some(failure.reason.to_owned()),
                problem: Some(failure.message.clone()),
                fix: Some(failure.fix.clone()),
            },
        }
    }
}

fn warnings(config: &Config, head: &Head, own: Option<&Origin>) -> Vec<Check> {
    let elsewhere = origin::differs(config, &head.url, &head.headers).map(|host| {
        let public = config.public_url.as_ref().map(Origin::as_str).unwrap_or_default();
        let message = format!("This request came for the host {host:?}, but public_url is {public}.");
        Failure::client(200, "public_url_mismatch", message).fix(
            "If people reach the gateway at that host, set public_url to it. If a reverse proxy is in front, let \
                  it forward the original Host header.",
        )
    });
    let clear = origin::is_private(own, &head.url) && origin::may_be_in_the_clear(&head.url, &head.headers);
    let clear = clear.then(|| {
        let message = "This request came over plain http, and nothing says that it began as https.";
        Failure::client(200, "plain_http", message).fix(
            "If a reverse proxy ends TLS, let it send X-Forwarded-Proto. If not, nobody should reach the gateway \
                  this way: tokens can be read.",
        )
    });
    let named = [("public_url", elsewhere), ("transport", clear)];
    named.into_iter().filter_map(|(name, failure)| Some(Check::of(name, Err(failure?)))).collect()
}

async fn listed<'a, P: Platform>(context: &'a RequestContext<'_, P>, for_operator: bool) -> Vec<Listed<'a>> {
    let mut listed = Vec::new();
    for server in context.config.servers.values() {
        listed.push(Listed {
            slug: server.slug.as_str(),
            name: &server.name,
            path: &server.path,
            url: ResourceForm::shown(&context.origin, server).url(),
            condition: reached::condition(context, server, for_operator).await,
        });
    }
    listed
}
