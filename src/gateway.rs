//! One request: find its route and public origin, run one flow, dress the answer. Nothing else.
//!
//! Not here: what a flow does, what is allowed, and calls from pages of other origins (`cors`).

mod dress;
mod flows;
pub mod ready;
mod refused;

use std::rc::Rc;

use http::StatusCode;
use serde_json::json;
use url::Url;

use self::refused::{RefusedReply, unknown_endpoint};
use crate::config::Origin;
use crate::flow::account::own_request;
use crate::flow::admin::status::Readiness;
use crate::flow::admin::{deployment, status};
use crate::flow::call::tenure;
pub use crate::flow::call::tenure::StreamStanding;
use crate::flow::connection::catalogue;
use crate::flow::{Head, RequestContext, admin, api_keys, authorization_log, boxed, join, metrics};
use crate::headers::HeaderMap;
use crate::memory::alarms::{AlarmChange, AlarmKind};
use crate::memory::{LoadedConfig, Memory};
use crate::page::SupportCopy;
use crate::ports::Platform;
use crate::record::copy::FailedRequest;
use crate::record::{End, RequestRecord};
use crate::vault::KeyRing;
use crate::web::failure::{Blame, Failure};
use crate::web::reply::{Ready, Reply};
use crate::web::route::{Endpoint, Route};
use crate::web::{cors, origin, transport};

/// All headers of a request together; more than clients send, less than an attack needs.
const HEADER_BYTES: usize = 32 * 1024;

/// A request as the runtime delivers it.
pub struct Request<S> {
    /// The method, in capitals as it came.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The headers that anything here reads; values that are not visible ASCII are left out.
    pub headers: HeaderMap,
    /// How many bytes the others have.
    pub unread: usize,
    /// The body, unread.
    pub body: S,
}

/// The gateway within one request.
pub struct Gateway<'a, P> {
    platform: &'a P,
    memory: &'a Memory,
}

impl<'a, P: Platform> Gateway<'a, P> {
    /// Over a platform and the isolate's memory.
    pub fn new(platform: &'a P, memory: &'a Memory) -> Self {
        Self { platform, memory }
    }

    /// Answers one request. There is always an answer.
    pub async fn handle(&self, request: Request<P::Stream>) -> Reply<P::Stream> {
        let ids = (self.platform.random(), self.platform.random());
        let record = RequestRecord::new(ids, self.platform.tick(), &request.headers);
        let Request { method, url, headers, unread, body } = request;
        let Ok(url) = Url::parse(&url) else {
            return Failure::client(400, "url_malformed", "The request's URL cannot be read.").as_json(record.id());
        };
        let head = Head { method, url, headers, unread };
        let loaded = crate::flow::config::load(self.platform, self.memory).await;
        let config = loaded.as_ref().ok().and_then(Option::as_ref).map(|loaded| Rc::clone(&loaded.config));
        let at_host = config.as_deref().and_then(|config| origin::server_at(config, &head.url));
        let route = match at_host {
            Some(server) => Route::find_at_host(server, head.url.path()),
            None => Route::find(config.as_deref(), head.url.path()),
        };
        let own = own_origin(&head, &loaded);
        let host = at_host.and_then(|server| server.host.as_ref());
        let allowed_origin = cors::allowed_origin(config.as_deref(), &head, &route);
        let outcome = match &allowed_origin {
            Ok(_) if head.method == "OPTIONS" => {
                require_bounded(&head).map(|()| cors::preflight(&route, &head)).map_err(RefusedReply::Json)
            }
            Ok(_) => self.dispatch(&head, &route, &loaded, (&own, host), body, &record).await,
            Err(failure) => Err(RefusedReply::Json(failure.clone())),
        };
        let (mut reply, refusal) = match outcome {
            Ok(reply) => (reply, None),
            Err(refused) => {
                let support = |failure: &Failure| self.support(&head, &route, failure, &record);
                refused.to(&head).render(record.id(), support)
            }
        };
        let ready = self.log(&head, &route, &reply, refusal.as_ref(), &record);
        cors::add_headers(&mut reply, &route, allowed_origin.ok().flatten().as_deref());
        transport::add_headers(&mut reply, &head, host.or(own.as_ref().ok()));
        dress::add_headers(&mut reply, &route, record.id());
        if let Some(config) = config.filter(|_| reply.is_page()) {
            reply = dress::branded(reply, &config.branding);
        }
        let reply = reply.same_for_others(ready);
        if head.method == "HEAD" { reply.without_body() } else { reply }
    }

    /// Looks at a stream that was handed on: whether it goes on, on the terms of its reply.
    pub async fn look(&self, words: &str) -> StreamStanding {
        tenure::look(self.platform, self.memory, words).await
    }

    /// Writes what replies did not wait for: what was counted, and what servers said of themselves.
    pub async fn settle(&self) {
        self.memory.unsettled.set(false);
        let keep = async {
            if let Ok(keys) = self.keys() {
                api_keys::settle(self.platform, self.memory, &keys).await;
                catalogue::settle(self.platform, self.memory, &keys).await;
            }
        };
        // None waits for another: the sums may be slow to be told.
        let told = join(metrics::tell(self.platform, self.memory), keep);
        join(authorization_log::settle(self.platform, self.memory), told).await;
    }

    async fn dispatch(
        &self,
        head: &Head,
        route: &Route<'_>,
        loaded: &Result<Option<LoadedConfig>, Failure>,
        (own, host): (&Result<Origin, Failure>, Option<&Origin>),
        body: P::Stream,
        record: &RequestRecord,
    ) -> Result<Reply<P::Stream>, RefusedReply> {
        let json = RefusedReply::Json;
        require_bounded(head).map_err(json)?;
        if let Some(elsewhere) = transport::require_private(head, route, host.or(own.as_ref().ok())).map_err(json)? {
            return Ok(elsewhere);
        }
        if matches!(route, Route::Unknown) && loaded.as_ref().is_ok_and(Option::is_some) {
            return Err(json(unknown_endpoint()));
        }
        require_method(head, route).map_err(json)?;
        // 1. What works without a configuration.
        match route {
            Route::Endpoint(Endpoint::Healthz) => return Ok(Reply::json(StatusCode::OK, &json!({"status": "ok"}))),
            Route::Endpoint(endpoint) if admin::needs_no_configuration(*endpoint, head) => {
                let keys = self.keys().ok();
                let answer = admin::configure(self.platform, self.memory, keys, *endpoint, head, body, record);
                return boxed(answer).await.map_err(json);
            }
            Route::Endpoint(Endpoint::Deployment) => return deployment::prove(self.platform, head).map_err(json),
            _ => {}
        }
        // 2. The surroundings every other flow needs.
        let context = self.context(own, host, loaded, record);
        if matches!(route, Route::Endpoint(Endpoint::Status)) {
            let readiness = Readiness { config: loaded, keys: self.keys().map(|_| ()) };
            return Ok(boxed(status::report(
                self.platform,
                self.memory,
                head,
                readiness,
                context.as_ref().ok(),
                record.id(),
            ))
            .await);
        }
        let context = match context {
            Ok(context) => context,
            Err(failure) if matches!(route, Route::Endpoint(Endpoint::Index)) && matches!(loaded, Ok(None)) => {
                return Ok(status::page(&failure, head, record.id()));
            }
            Err(failure) if route.is_page() => return Err(RefusedReply::Page(failure)),
            Err(failure) => return Err(json(failure)),
        };
        flows::answer(&context, head, route, body).await
    }

    fn context<'r>(
        &'r self,
        own: &Result<Origin, Failure>,
        host: Option<&Origin>,
        loaded: &Result<Option<LoadedConfig>, Failure>,
        record: &'r RequestRecord,
    ) -> Result<RequestContext<'r, P>, Failure> {
        let loaded = loaded.as_ref().map_err(Clone::clone)?.as_ref().ok_or_else(status::not_configured)?;
        let keys = self.keys()?;
        let origin = own.clone()?;
        Ok(RequestContext {
            platform: self.platform,
            memory: self.memory,
            now: self.platform.now(),
            record,
            config: Rc::clone(&loaded.config),
            origin,
            host: host.cloned(),
            keys,
        })
    }

    fn keys(&self) -> Result<Rc<KeyRing>, Failure> {
        if let Some(keys) = self.memory.keys.get() {
            return Ok(Rc::clone(keys));
        }
        let operator = |reason, message: String| {
            Failure::new(Blame::Operator, 503, reason, message).fix(
                "Set the secret KEY_RING to 1: followed by 32 random bytes in base64url; scripts/dev and \
                 scripts/deploy do so by themselves.",
            )
        };
        let text = self
            .platform
            .secret("KEY_RING")
            .ok_or_else(|| operator("keys_missing", "This deployment has no key ring.".to_owned()))?;
        let keys = KeyRing::parse(&text)
            .map_err(|error| operator("keys_malformed", format!("The key ring cannot be read: {error}.")))?;
        Ok(Rc::clone(self.memory.keys.get_or_init(|| Rc::new(keys))))
    }

    /// Writes one line of a request, with what its flows have written down, and counts it. Answers what it takes to
    /// give its reply again.
    fn log(
        &self,
        head: &Head,
        route: &Route<'_>,
        reply: &Reply<P::Stream>,
        refusal: Option<&Failure>,
        record: &RequestRecord,
    ) -> Option<Ready> {
        let end =
            End { reason: refusal.map(|refusal| refusal.reason).or(reply.reason()), ..self.end(head, route, refusal) };
        let end = End { status: reply.status().as_u16(), blame: end.blame.or(reply.blame()), ..end };
        let subject = authorization_log::named_subject(self.memory, record);
        metrics::count(self.platform, self.memory, record, &end, subject.as_deref());
        authorization_log::note(self.platform, self.memory, record, &end, subject);
        self.tell_alarms();
        self.ready(head, route, reply, refusal, &end, record)
    }

    fn end<'e>(&self, head: &'e Head, route: &Route<'e>, refusal: Option<&'e Failure>) -> End<'e> {
        let called = if let Route::Mcp(server) = route { Some(server.slug.as_str()) } else { None };
        let named = if let Route::Connect(slug) = route { Some(*slug) } else { called };
        End {
            at: self.platform.tick(),
            method: &head.method,
            route: route.name(),
            is_call: matches!(route, Route::Mcp(_)),
            status: refusal.map_or(200, |refusal| refusal.status.as_u16()),
            reason: refusal.map(|refusal| refusal.reason),
            blame: refusal.map(|refusal| refusal.blame.as_str()),
            message: refusal.map(|refusal| refusal.logged.unwrap_or(&refusal.message)),
            server: refusal.and_then(|refusal| refusal.slug.as_deref()).or(named),
            called,
        }
    }

    /// What whoever sees a failure on a page can send to support. Asks for nothing.
    fn support(&self, head: &Head, route: &Route<'_>, failure: &Failure, record: &RequestRecord) -> SupportCopy {
        let configuration = self.memory.config.borrow().as_ref().map(|loaded| loaded.version);
        let end = self.end(head, route, Some(failure));
        let failed = FailedRequest { end, fix: &failure.fix, facts: &failure.facts, configuration };
        SupportCopy {
            text: record.copy(&failed),
            request_id: record.id().to_owned(),
            own_entries: record.is_somebodys_entry().then(|| own_request::path(record.id())),
        }
    }

    /// Writes a line of each state that began or ended.
    fn tell_alarms(&self) {
        let alarms = &self.memory.alarms;
        if let Some(number) = self.memory.keys.get().and_then(|keys| keys.take_missed()) {
            alarms.raise(AlarmKind::KeyRing, "ring_key_missing", &number.to_string(), self.platform.now());
        }
        for AlarmChange { kind, about, raised } in alarms.take_changes() {
            let event = if raised.is_some() { "alarm_raised" } else { "alarm_cleared" };
            let line = json!({"event": event, "alarm": kind.as_str(), "about": about, "reason": raised});
            self.platform.record(&line.to_string());
        }
    }
}

/// The public origin the request came to, where there is a configuration and it allows the host.
fn own_origin(head: &Head, loaded: &Result<Option<LoadedConfig>, Failure>) -> Result<Origin, Failure> {
    let loaded = loaded.as_ref().map_err(Clone::clone)?.as_ref().ok_or_else(status::not_configured)?;
    origin::effective(&loaded.config, &head.url, &head.headers)
}

fn require_method(head: &Head, route: &Route<'_>) -> Result<(), Failure> {
    let says_itself = match route {
        Route::Mcp(_)
        | Route::NoSuchServer(_)
        | Route::NoSlug
        | Route::TrailingSlash(_)
        | Route::NotAtHost(_)
        | Route::Unknown => true,
        _ => route.allows(&head.method),
    };
    if says_itself {
        return Ok(());
    }
    let message = "This endpoint does not have that method.";
    Err(Failure::method_not_allowed(route.allow(), message).fix(format!("Use {}.", route.allow())))
}

fn require_bounded(head: &Head) -> Result<(), Failure> {
    let size: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size + head.unread > HEADER_BYTES {
        return Err(Failure::client(
            431,
            "headers_too_large",
            format!("The request's headers are larger than {HEADER_BYTES} bytes."),
        )
        .fix("Send fewer or shorter headers; a browser can clear the cookies of this site."));
    }
    Ok(())
}
