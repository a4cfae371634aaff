//! What operators ask of a running gateway.
//!
//! Not here: what it does for clients and people.

pub mod acts;
pub mod alarms;
pub mod bundle;
pub mod check;
pub mod configure;
pub mod console;
pub mod counts;
pub mod deployment;
pub mod explain;
pub mod keys;
pub mod log;
pub mod operator;
pub mod people;
pub mod shared_connection;
pub mod status;
pub mod subject;

use std::rc::Rc;

use self::console::{clients, configuration, overview, revoking, servers};
use super::{Answered, Head, RequestContext, boxed};
use crate::memory::Memory;
use crate::ports::Platform;
use crate::record::RequestRecord;
use crate::vault::KeyRing;
use crate::web::failure::Failure;
use crate::web::route::Endpoint;

/// Whether a request is answered without a configuration, or with one that cannot be read: a program's that shows it or
/// sends another.
pub fn needs_no_configuration(endpoint: Endpoint, head: &Head) -> bool {
    match endpoint {
        Endpoint::AdminConfig => !console::is_for(head) && head.method != "POST",
        Endpoint::AdminRollback => !console::is_for(head),
        _ => false,
    }
}

/// The answer to one of those.
pub async fn configure<P: Platform>(
    platform: &P,
    memory: &Memory,
    keys: Option<Rc<KeyRing>>,
    endpoint: Endpoint,
    head: &Head,
    body: P::Stream,
    record: &RequestRecord,
) -> Answered<P> {
    match endpoint {
        Endpoint::AdminRollback => boxed(configure::roll_back(platform, memory, head, record)).await,
        _ if head.method == "PUT" => boxed(configure::replace(platform, memory, keys, head, body, record)).await,
        _ => boxed(configure::show(platform, memory, head)).await,
    }
}

/// What operators ask once there is a configuration: a page of the console for a browser, JSON for a program.
pub async fn answer<P: Platform>(
    context: &RequestContext<'_, P>,
    endpoint: Endpoint,
    head: &Head,
    body: P::Stream,
) -> Answered<P> {
    let page = console::is_for(head);
    let posts = head.method == "POST";
    match endpoint {
        Endpoint::Explain => boxed(explain::explain(context, head, body)).await,
        Endpoint::AdminLog if page && !log::is_export(head) => boxed(console::log::show(context, head)).await,
        Endpoint::SupportBundle => boxed(bundle::show(context, head)).await,
        Endpoint::AdminLog => boxed(log::show(context, head)).await,
        Endpoint::Metrics => boxed(counts::show(context, head)).await,
        Endpoint::MetricsText => boxed(counts::show_text(context, head)).await,
        Endpoint::AdminKeys => boxed(keys::answer(context, head, body)).await,
        Endpoint::AdminSubjects => boxed(people::find(context, head)).await,
        Endpoint::Admin if page => boxed(overview::show(context, head)).await,
        Endpoint::Admin => boxed(overview::tell(context, head)).await,
        Endpoint::AdminServers if page && posts => boxed(servers::answer(context, head, body)).await,
        Endpoint::AdminServers if page => boxed(servers::show(context, head)).await,
        Endpoint::AdminServers if !posts => boxed(servers::tell(context, head)).await,
        Endpoint::AdminPeople if page && posts => boxed(revoking::answer(context, head, body)).await,
        Endpoint::AdminPeople if page => boxed(console::people::show(context, head)).await,
        Endpoint::AdminPeople if !posts => boxed(console::people::tell(context, head)).await,
        Endpoint::AdminClients if page && posts => boxed(clients::answer(context, head, body)).await,
        Endpoint::AdminClients if page => boxed(clients::show(context, head)).await,
        Endpoint::AdminClients if !posts => boxed(clients::tell(context, head)).await,
        Endpoint::AdminConfig if page && posts => boxed(configuration::answer(context, head, body)).await,
        Endpoint::AdminConfig if page => boxed(configuration::show(context, head)).await,
        Endpoint::AdminRollback if page => boxed(configuration::roll_back(context, head, body)).await,
        // What is posted to a page, and not as its forms are.
        _ => Err(operator::authorize(context.platform, context.memory, head).await.err().unwrap_or_else(no_form)),
    }
}

fn no_form() -> Failure {
    Failure::client(415, "console_form_expected", "Only the forms of the console are posted here.")
        .fix("Programs change things at the other endpoints under /admin; docs/operators.md lists them.")
}
