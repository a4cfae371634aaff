//! `GET /admin/metrics`: how often, how long and why, over a window; and since the beginning for what scrapes it.
//!
//! Not here: counting (`flow::metrics`), and sums (`metrics`).

use http::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::operator;
use crate::flow::{Answered, Head, RequestContext, metrics};
use crate::metrics::command::Command;
use crate::metrics::counters::{ANONYMOUS_TOLD_AFTER, TOLD_AFTER};
use crate::metrics::prometheus;
use crate::metrics::ranking::{Ranking, RequestCount};
use crate::metrics::summary::{Summary, Window};
use crate::ports::{Platform, Unavailable};
use crate::time::Lifetime;
use crate::web::failure::Failure;
use crate::web::reply::Reply;

/// Where no window is asked for.
const USUAL: Lifetime = Lifetime::hours(1);
/// Of each kind so many are named.
const NAMED: usize = 50;

/// `GET /admin/metrics?window=`: what happened since then.
pub async fn show<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    operator::authorize(context.platform, context.memory, head).await?;
    let window = Window::ending(context.now, length(head)?);
    let summary = metrics::sum(context.platform, &Command::Sum(window)).await;
    let summary = summary.map_err(|Unavailable| Failure::storage())?;
    let mut answer = json!({
        "since": window.since,
        "until": context.now,
        "step_seconds": window.step,
        "may_lack": format!(
            "What an isolate counted since it last told of it: at most {} seconds before the last authenticated \
             request to it, {} before the last anonymous one.",
            TOLD_AFTER.0, ANONYMOUS_TOLD_AFTER.0,
        ),
    });
    if let (Some(answer), Value::Object(told)) = (answer.as_object_mut(), told(&summary)) {
        answer.extend(told);
    }
    Ok(Reply::json(StatusCode::OK, &answer))
}

/// `GET /admin/metrics.prom`: what happened since the counters began, as Prometheus reads it.
pub async fn show_text<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    operator::authorize(context.platform, context.memory, head).await?;
    let summary = metrics::sum(context.platform, &Command::Total).await.map_err(|Unavailable| Failure::storage())?;
    let text = prometheus::text(&summary, env!("CARGO_PKG_VERSION"));
    Ok(Reply::bytes(StatusCode::OK, prometheus::CONTENT_TYPE, text.into_bytes()))
}

fn length(head: &Head) -> Result<Lifetime, Failure> {
    if head.query().is_empty() {
        return Ok(USUAL);
    }
    let mut members = form_urlencoded::parse(head.query().as_bytes());
    let window = members.next().filter(|(name, _)| name == "window").and_then(|(_, text)| Window::length(&text));
    window.filter(|_| members.next().is_none()).ok_or_else(|| {
        Failure::client(400, "metrics_window_malformed", "This is no window that metrics are kept for.")
            .fix("Ask for /admin/metrics?window= and minutes, hours or days up to 30 days, such as 15m, 24h or 30d.")
    })
}

fn told(summary: &Summary) -> Value {
    let tally = &summary.tally;
    let series = summary.points.iter().map(|point| {
        json!({
            "at": point.at,
            "requests": point.all.requests,
            "failures": point.all.failures,
            "gateway_ms": point.gateway.percentiles(),
            "upstream_ms": point.upstream.percentiles(),
        })
    });
    json!({
        "requests": tally.all.requests,
        "failures": tally.all.failures,
        "gateway_ms": tally.gateway.percentiles(),
        "upstream_ms": tally.upstream.percentiles(),
        "origins": top(&tally.origins, "origin", None),
        "reasons": top(&tally.reasons, "reason", Some((' ', "blame"))),
        "routes": top(&tally.routes, "route", Some((' ', "status"))),
        "servers": top(&tally.servers, "server", None),
        "tools": top(&tally.tools, "server", Some(('/', "tool"))),
        "clients": top(&tally.clients, "client", None),
        "subjects": top(&tally.subjects, "subject", None),
        "series": series.collect::<Vec<_>>(),
    })
}

/// The most frequent, and all others together. A label may have two parts.
fn top(ranking: &Ranking, name: &str, second: Option<(char, &str)>) -> Value {
    let (rows, other) = ranking.most(NAMED);
    let row = |(label, usage): (&str, RequestCount)| {
        let (one, two) = second.and_then(|(mark, _)| label.split_once(mark)).unwrap_or((label, ""));
        let mut row = json!({name: one, "requests": usage.requests, "failures": usage.failures});
        if let (Some((_, name)), Some(row)) = (second.filter(|_| !two.is_empty()), row.as_object_mut()) {
            row.insert(name.to_owned(), two.into());
        }
        row
    };
    let rows: Vec<_> = rows.into_iter().map(row).collect();
    json!({"top": rows, "other": {"requests": other.requests, "failures": other.failures}})
}
