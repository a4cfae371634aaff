//! The console's configuration: looked at, tried, put in effect and rolled back.
//!
//! What is put in effect is what was looked at: the form's token holds digests of the text that was checked and of the
//! one that it was compared with. Not here: judging and storing it, and the same for programs
//! (`flow::admin::configure`).

use std::rc::Rc;

use http::StatusCode;
use serde_json::Value;

use super::form;
use super::form::{Act, ActKind, Posted, form_gone};
use super::frame::{enter, frame};
use super::question::{Confirmation, ask};
use crate::config::{Config, ConfigError, Difference, differences};
use crate::flow::admin::{acts, configure};
use crate::flow::config::{CURRENT, Stored, unreadable};
use crate::flow::login::session::SignedIn;
use crate::flow::{Answered, Head, RequestContext, profile, unreadable as unreadable_body};
use crate::page;
use crate::page::{Change, ConfigurationProblem, Judged, PreviousConfiguration};
use crate::ports::{Platform, ReadError};
use crate::secret::Digested;
use crate::web::failure::Failure;
use crate::web::form::parse_texts;
use crate::web::reply::Reply;
use crate::web::route::Endpoint;

/// A configuration as a form writes it: most characters of JSON as three.
const LONGEST_FORM: usize = 3 * configure::LIMIT;

/// `GET /admin/config` as a page.
pub async fn show<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    let signed_in = match enter(context, head).await {
        Ok(signed_in) => signed_in,
        Err(elsewhere) => return elsewhere,
    };
    let news = match head.query() {
        "done=configured" => Some("It is in effect here, and everywhere within about a minute."),
        "done=rolled_back" => Some("The version before is in effect again, as a new one: everywhere within a minute."),
        _ => None,
    };
    let current = current(context).await?;
    let text = current.as_ref().map(|stored| stored.config.get().to_owned()).unwrap_or_default();
    page(context, &signed_in, current, text, None, news.map(ToOwned::to_owned)).await
}

/// `POST /admin/config`: tries what was sent, or puts it in effect once it was looked at.
pub async fn answer<P: Platform>(context: &RequestContext<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    let posted = form::read_up_to(context, head, body, LONGEST_FORM, parse_texts).await?;
    let text = posted.field("config").unwrap_or_default().replace("\r\n", "\n").trim().to_owned();
    if text.len() > configure::LIMIT {
        return Err(unreadable_body(ReadError::TooLarge, configure::LIMIT));
    }
    let current = current(context).await?;
    let config = match configure::judge(context.platform, &text) {
        Ok(config) => config,
        Err(errors) => return page(context, &posted.signed_in, current, text, Some(wrong(errors)), None).await,
    };
    let texts = looked_at(current.as_ref(), &text);
    let checked = posted.act.as_ref().is_some_and(|act| act.kind == ActKind::Configure && act.texts == texts);
    if checked && posted.field("act") == Some("configure") {
        let version = put_in_effect(context, &text, config).await?;
        let about = serde_json::json!({ "version": version });
        acts::note(context.platform, context.record, &posted.operator(), "configure", about);
        return Ok(Reply::see_other(&format!("{}?done=configured", Endpoint::AdminConfig.path())));
    }
    let before = current.as_ref().map_or("{}", |stored| stored.config.get());
    configure::learn_names(context.platform, context.memory, Some(Rc::clone(&context.keys)), &config).await;
    let mut warnings = warnings(context, &config);
    if !stays_operator(context, &posted.signed_in, &config).await? {
        warnings.push("With it you would be no operator any more, and could not take it back here.".to_owned());
    }
    let judged = Judged::Right { changes: changes(differences(before, &text)), warnings };
    page(context, &posted.signed_in, current, text, Some((judged, Some(texts))), None).await
}

/// `POST /admin/config/rollback` by a form: asked about once more, with what it changes on the page before.
pub async fn roll_back<P: Platform>(context: &RequestContext<'_, P>, head: &Head, body: P::Stream) -> Answered<P> {
    let posted = form::read(context, head, body).await?;
    let current = current(context).await?;
    let previous = configure::previous(context.platform).await?;
    let text = previous.config.get();
    let config = match configure::judge(context.platform, text) {
        Ok(config) => config,
        Err(errors) => {
            let text = text.to_owned();
            return page(context, &posted.signed_in, current, text, Some(wrong(errors)), None).await;
        }
    };
    let texts = looked_at(current.as_ref(), text);
    let Some(act) = posted.confirmed().filter(|act| act.kind == ActKind::RollBack) else {
        if posted.field("act") != Some("roll_back") {
            return Err(form_gone());
        }
        return ask_to_roll_back(context, &posted, current.as_ref(), &previous, &config, texts).await;
    };
    if act.texts != texts {
        return Err(changed_meanwhile());
    }
    let version = put_in_effect(context, text, config).await?;
    let operator = posted.operator();
    configure::note_rollback(context.platform, context.record, &operator, version, previous.version);
    Ok(Reply::see_other(&format!("{}?done=rolled_back", Endpoint::AdminConfig.path())))
}

async fn ask_to_roll_back<P: Platform>(
    context: &RequestContext<'_, P>,
    posted: &Posted,
    current: Option<&Stored>,
    previous: &Stored,
    config: &Config,
    texts: Vec<Digested>,
) -> Answered<P> {
    let before = current.map_or("{}", |stored| stored.config.get());
    let differences = differences(before, previous.config.get()).len();
    let locks_out = !stays_operator(context, &posted.signed_in, config).await?;
    let note =
        if locks_out { " With it you would be no operator any more, and could not take it back here." } else { "" };
    let question = Confirmation {
        endpoint: Endpoint::AdminRollback,
        act: Act { texts, ..Act::new(ActKind::RollBack, "") },
        title: format!("Roll back to version {}?", previous.version),
        consequence: format!(
            "Its text becomes a new version, in effect here at once and everywhere within about a minute. What is in \
             effect now is kept as the one before.{note}"
        ),
        yes: "Roll back",
        back: Endpoint::AdminConfig.path().to_owned(),
        facts: vec![("Values that change", differences.to_string())],
    };
    Ok(ask(context, &posted.signed_in, question))
}

async fn page<P: Platform>(
    context: &RequestContext<'_, P>,
    signed_in: &SignedIn,
    current: Option<Stored>,
    text: String,
    judged: Option<(Judged, Option<Vec<Digested>>)>,
    news: Option<String>,
) -> Answered<P> {
    let mut frame = frame(context, signed_in, Endpoint::AdminConfig, news);
    let status = match &judged {
        Some((Judged::Wrong(_), _)) => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::OK,
    };
    let (judged, checked) = judged.map_or((None, None), |(judged, checked)| (Some(judged), checked));
    if let Some(texts) = checked {
        let act = Act { texts, ..Act::new(ActKind::Configure, "") };
        frame.form = form::token(context, signed_in, Some(act));
    }
    let stored = configure::read(context.platform, configure::PREVIOUS).await?;
    let previous = stored.and_then(|stored| serde_json::from_str::<Stored>(&stored).ok());
    let now = current.as_ref().map_or("{}", |stored| stored.config.get());
    let page = page::ConfigurationPage {
        previous: previous.map(|previous| PreviousConfiguration {
            version: previous.version,
            at: previous.at,
            changes: changes(differences(now, previous.config.get())),
            action: Endpoint::AdminRollback.path().to_owned(),
        }),
        frame,
        version: current.as_ref().map(|stored| (stored.version, stored.at)),
        text,
        judged,
    };
    Ok(Reply::page(status, page.render()))
}

async fn current<P: Platform>(context: &RequestContext<'_, P>) -> Result<Option<Stored>, Failure> {
    let stored = configure::read(context.platform, CURRENT).await?;
    stored.map(|stored| serde_json::from_str(&stored).map_err(|_| unreadable())).transpose()
}

async fn put_in_effect<P: Platform>(
    context: &RequestContext<'_, P>,
    text: &str,
    config: Config,
) -> Result<u64, Failure> {
    let before = configure::read(context.platform, CURRENT).await?;
    configure::put_in_effect(context.platform, context.memory, text, config, before).await
}

/// What an operator saw: the configuration in effect, and the one to come.
fn looked_at(current: Option<&Stored>, text: &str) -> Vec<Digested> {
    vec![Digested::of(current.map_or("", |stored| stored.config.get())), Digested::of(text)]
}

/// Whether who is here is an operator by another configuration, with the roles that are known of them.
async fn stays_operator<P: Platform>(
    context: &RequestContext<'_, P>,
    signed_in: &SignedIn,
    config: &Config,
) -> Result<bool, Failure> {
    let Some(operators) = &config.operators else { return Ok(false) };
    let subject = &signed_in.session.identity.subject;
    if operators.name(subject) {
        return Ok(true);
    }
    let noted = profile::noted(context, subject).await?;
    Ok(noted.is_some_and(|profile| operators.have_one_of(&profile.roles)))
}

fn wrong(errors: Vec<ConfigError>) -> (Judged, Option<Vec<Digested>>) {
    let problem = |ConfigError { pointer, problem, fix }| ConfigurationProblem { pointer, problem, fix };
    (Judged::Wrong(errors.into_iter().map(problem).collect()), None)
}

fn changes(differences: Vec<Difference>) -> Vec<Change> {
    let change = |Difference { pointer, before, after }| Change { pointer, before, after };
    differences.into_iter().map(change).collect()
}

fn warnings<P: Platform>(context: &RequestContext<'_, P>, config: &Config) -> Vec<String> {
    let told = |warning: &Value| {
        let server = warning.get("server").and_then(Value::as_str).unwrap_or_default();
        let entry = warning.get("entry").map(super::servers::entry).unwrap_or_default();
        format!("An entry of the policy of {server} means nothing that it listed last: {entry}.")
    };
    configure::warnings(context.platform, context.memory, config).iter().map(told).collect()
}

fn changed_meanwhile() -> Failure {
    let message = "Another configuration than the one you looked at is in effect, or is the one before, by now.";
    Failure::client(409, "configuration_changed_meanwhile", message)
        .fix("Nothing was changed. Look at the configuration again.")
        .way_on("The configuration", Endpoint::AdminConfig.path())
}
