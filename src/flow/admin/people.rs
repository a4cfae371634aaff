//! Finding a person's subject by the address that they sign in with, and the roles they have.
//!
//! Not here: noting it (`flow::login::person`), and what an operator does with a subject (`flow::admin::subject`).

use http::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::operator;
use crate::flow::login::person::{LONGEST, read};
use crate::flow::{Answered, Head, RequestContext, profile};
use crate::login::person;
use crate::login::person::KnownPerson;
use crate::oauth::subject::Profile;
use crate::ports::{Platform, Unavailable};
use crate::web::failure::Failure;
use crate::web::reply::Reply;

const INCOMPLETE: &str = "More people signed in with this address than are remembered: those who did least recently \
                          are missing. They are found by the id on the consent page and at /connections.";

/// `GET /admin/subjects?q=` answers with everybody who has signed in with exactly that address.
pub async fn find<P: Platform>(context: &RequestContext<'_, P>, head: &Head) -> Answered<P> {
    operator::authorize(context.platform, context.memory, head).await?;
    context.record.act("find_person");
    // No address has a space, and many have a plus.
    let query = head.query().replace('+', "%2B");
    let asked = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "q").map(|(_, email)| email);
    let email = asked.filter(|email| !email.trim().is_empty() && email.len() <= LONGEST).ok_or_else(query_missing)?;
    let person = read(context, &email).await.map_err(|Unavailable| Failure::storage())?;
    let (known, dropped) = person.map(|person| (person.subjects, person.dropped)).unwrap_or_default();
    let mut subjects = Vec::new();
    for person in &known {
        let noted = profile::noted(context, &person.subject).await?;
        subjects.push(shown(person, noted));
    }
    let mut answer = json!({"email": person::normal(&email), "subjects": subjects});
    if dropped && let Some(answer) = answer.as_object_mut() {
        answer.insert("incomplete".to_owned(), INCOMPLETE.into());
    }
    Ok(Reply::json(StatusCode::OK, &answer))
}

/// A subject as it was noted, with the roles of their last sign-in where rules ask for any.
fn shown(person: &KnownPerson, noted: Option<Profile>) -> Value {
    let mut subject = json!(person);
    if let (Some(Profile { roles, incomplete, at, .. }), Some(members)) = (noted, subject.as_object_mut()) {
        members.insert("roles".to_owned(), roles.into());
        members.insert("roles_at".to_owned(), at.0.into());
        if incomplete {
            members.insert("roles_incomplete".to_owned(), true.into());
        }
    }
    subject
}

fn query_missing() -> Failure {
    Failure::client(400, "subject_query_missing", "This endpoint finds people by the address that they sign in with.")
        .fix("Ask for /admin/subjects?q= and the whole address.")
}
