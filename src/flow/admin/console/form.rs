//! The forms of the console: what proves that one is ours, and what it is for.
//!
//! A page's forms carry a token, sealed to the browser session. Not here: what is asked before it is done
//! (`question`), and doing it.

use serde::{Deserialize, Serialize};

use crate::flow::admin::operator;
use crate::flow::admin::operator::Operator;
use crate::flow::login::session::SignedIn;
use crate::flow::{Head, RequestContext, read_small};
use crate::ports::Platform;
use crate::secret::Digested;
use crate::time::{Lifetime, Timestamp};
use crate::vault::Purpose;
use crate::version::V1;
use crate::web::failure::Failure;
use crate::web::form::Form;
use crate::web::reply::Reply;
use crate::web::route::Endpoint;
use crate::web::{csrf, form};

/// A form without a configuration in it.
const SMALL: usize = 8 * 1024;

/// How long a page may stay open.
const TOKEN: Lifetime = Lifetime::hours(1);
/// How long the question may: what it is about may be another thing by then.
const QUESTION: Lifetime = Lifetime::minutes(10);

/// What the forms of a page carry.
#[derive(Serialize, Deserialize)]
struct FormToken {
    v: V1,
    expires: Timestamp,
    /// What was asked about, or checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<Act>,
}

/// What an operator is about to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Act {
    pub(super) kind: ActKind,
    /// Whose it is: a subject, a server's slug, a client's id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) of: String,
    /// The server.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) slug: String,
    /// The account there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) account: String,
    /// The client.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) client: String,
    /// The API key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) key: String,
    /// The agent's subject.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) agent: String,
    /// Digests of the texts of configurations that were looked at: the one in effect, and the one to come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) texts: Vec<Digested>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ActKind {
    RevokeClient,
    RevokeKey,
    EndAgent,
    Disconnect,
    RevokeEverything,
    RemoveClient,
    ConnectShared,
    DisconnectShared,
    Configure,
    RollBack,
}

/// A form that an operator posted.
pub(super) struct Posted {
    pub(super) signed_in: SignedIn,
    pub(super) fields: Form,
    /// What its token is for, where that is more than the page.
    pub(super) act: Option<Act>,
}

/// Whether a request posts a form as browsers do.
pub(super) fn is_posted(head: &Head) -> bool {
    head.method == "POST" && head.media_type() == "application/x-www-form-urlencoded"
}

/// Reads a form of the console.
pub(super) async fn read<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    body: P::Stream,
) -> Result<Posted, Failure> {
    read_up_to(context, head, body, SMALL, form::parse).await
}

/// Reads one that may be as long, in the way that it is written.
pub(super) async fn read_up_to<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    body: P::Stream,
    limit: usize,
    parse: fn(&[u8]) -> Result<Form, form::FormError>,
) -> Result<Posted, Failure> {
    csrf::require_own_page(context, head)?;
    let signed_in = operator::signed_in(context, head).await?.ok_or_else(form_gone)?;
    let body = read_small(body, limit).await?;
    let fields = parse(&body).map_err(|_| form_gone())?;
    let sealed = fields.one("form").ok().flatten().unwrap_or_default();
    let place = signed_in.cookie.digest();
    let token = context.keys.open_json(Purpose::OperatorForm, &[place.as_str()], sealed);
    let token = token.ok().filter(|token: &FormToken| !token.expires.reached(context.now)).ok_or_else(form_gone)?;
    Ok(Posted { signed_in, fields, act: token.act })
}

/// The token of a page's forms, good in this browser's session.
pub(super) fn token<P: Platform>(context: &RequestContext<'_, P>, signed_in: &SignedIn, act: Option<Act>) -> String {
    let lifetime = if act.is_some() { QUESTION } else { TOKEN };
    let token = FormToken { v: V1, expires: context.now + lifetime, act };
    let place = signed_in.cookie.digest();
    context.keys.seal_json(Purpose::OperatorForm, &[place.as_str()], context.platform.random(), &token)
}

impl Posted {
    /// A field that is there once, and not empty.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.one(name).ok().flatten()
    }

    /// What is to be done, once it was asked about and the answer is yes.
    pub(super) fn confirmed(&self) -> Option<&Act> {
        self.act.as_ref().filter(|_| self.field("decision") == Some("yes"))
    }

    /// Who it is.
    pub(super) fn operator(&self) -> Operator {
        Operator::Subject(self.signed_in.session.identity.subject.clone())
    }
}

impl Act {
    pub(super) fn new(kind: ActKind, of: &str) -> Self {
        let nothing = String::new;
        Self {
            kind,
            of: of.to_owned(),
            slug: nothing(),
            account: nothing(),
            client: nothing(),
            key: nothing(),
            agent: nothing(),
            texts: Vec::new(),
        }
    }
}

/// Back to a page, with what was done in its address.
pub(super) fn back<S>(endpoint: Endpoint, query: &[(&str, &str)]) -> Reply<S> {
    Reply::see_other(&address(endpoint, query))
}

/// A page of the console with a query.
pub(super) fn address(endpoint: Endpoint, query: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{}?{query}", endpoint.path())
}

/// The form is none of this browser session's, or not any more.
pub(super) fn form_gone() -> Failure {
    Failure::client(400, "console_form_gone", "This page was open for too long, or belongs to another browser session.")
        .fix("Nothing was changed. Open the console again.")
        .way_on("The console", Endpoint::Admin.path())
}
