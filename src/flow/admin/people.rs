//! Finding a person's subject by the address that they sign in with.
//!
//! Not here: noting it (`flow::login::person`), and what an operator does with a subject (`flow::admin::subject`).

use http::StatusCode;
use serde_json::json;
use url::form_urlencoded;

use super::operator;
use crate::flow::login::person::{LONGEST, read};
use crate::flow::{Answered, Head, RequestContext};
use crate::login::person;
use crate::ports::{Platform, Unavailable};
use crate::web::failure::Failure;
use crate::web::reply::Reply;

const INCOMPLETE: &str = "More people signed in with this address than are remembered: those who did least recently \
                          are missing. They are found by the id on the consent page and at /connections.";

/// `GET /admin/subjects?q=` answers with everybody who has signed in with exactly that address.
pub async fn find<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    operator::authorize(context.platform, context.memory, head).await?;
    // No address has a space, and many have a plus.
    let query = head.query().replace('+', "%2B");
    let asked = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "q").map(|(_, email)| email);
    let email = asked.filter(|email| !email.trim().is_empty() && email.len() <= LONGEST).ok_or_else(query_missing)?;
    let person = read(context, &email).await.map_err(|Unavailable| Failure::storage())?;
    let (subjects, dropped) = person.map(|person| (person.subjects, person.dropped)).unwrap_or_default();
    let mut answer = json!({"email": person::normal(&email), "subjects": subjects});
    if dropped && let Some(answer) = answer.as_object_mut() {
        answer.insert("incomplete".to_owned(), INCOMPLETE.into());
    }
    Ok(Reply::json(StatusCode::OK, &answer))
}

fn query_missing() -> Failure {
    Failure::client(400, "subject_query_missing", "This endpoint finds people by the address that they sign in with.")
        .fix("Ask for /admin/subjects?q= and the whole address.")
}
