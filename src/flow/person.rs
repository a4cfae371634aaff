//! Finding a person's subject by their address: noted when they sign in, looked up by the operator.
//!
//! Not here: what is noted (`login::person`), and what an operator does with a subject (`flow::subject`).

use http::StatusCode;
use serde_json::json;
use url::form_urlencoded;

use super::{Answered, Head, Site, operator};
use crate::failure::Failure;
use crate::login::Identity;
use crate::login::person::{self, KEPT, Person};
use crate::ports::{Platform, Unavailable};
use crate::reply::Reply;
use crate::vault::Purpose;

/// The longest address there is (RFC 5321 §4.5.3.1), generously.
const LONGEST: usize = 320;

const INCOMPLETE: &str = "More people signed in with this address than are remembered: those who did least recently are missing. \
    They are found by the id on the consent page and at /connections.";

/// Notes who signed in with which address. Where that cannot be stored nobody is kept from signing in: the next time it is noted.
pub async fn note<P: Platform>(site: &Site<'_, P>, identity: &Identity) {
    let Some(email) = identity.email.as_deref().filter(|email| email.len() <= LONGEST) else { return };
    let Ok(before) = read(site, email).await else { return };
    let noted = Person::noted(before, &identity.subject, identity.name.as_deref(), site.now);
    if let Some(person) = noted {
        let key = person::key(email);
        let sealed = site.keys.seal_json(Purpose::Person, &[&key], site.platform.random(), &person);
        let _ = site.platform.put(&key, &sealed, Some(KEPT)).await;
    }
}

/// `GET /admin/subjects?q=` answers with everybody who has signed in with exactly that address.
pub async fn find<P: Platform>(site: &Site<'_, P>, head: &Head) -> Answered<P> {
    operator::authorize(site.platform, site.memory, head).await?;
    // No address has a space, and many have a plus.
    let query = head.query().replace('+', "%2B");
    let asked = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "q").map(|(_, email)| email);
    let email = asked.filter(|email| !email.trim().is_empty() && email.len() <= LONGEST).ok_or_else(query_missing)?;
    let person = read(site, &email).await.map_err(|Unavailable| Failure::storage())?;
    let (subjects, dropped) = person.map(|person| (person.subjects, person.dropped)).unwrap_or_default();
    let mut answer = json!({"email": person::normal(&email), "subjects": subjects});
    if dropped && let Some(answer) = answer.as_object_mut() {
        answer.insert("incomplete".to_owned(), INCOMPLETE.into());
    }
    Ok(Reply::json(StatusCode::OK, &answer))
}

/// What cannot be opened, because its key was dropped, is as good as none.
async fn read<P: Platform>(site: &Site<'_, P>, email: &str) -> Result<Option<Person>, Unavailable> {
    let key = person::key(email);
    let sealed = site.platform.get(&key).await?;
    Ok(sealed.and_then(|sealed| site.keys.open_json(Purpose::Person, &[&key], &sealed).ok()))
}

fn query_missing() -> Failure {
    Failure::client(400, "subject_query_missing", "This endpoint finds people by the address that they sign in with.")
        .fix("Ask for /admin/subjects?q= and the whole address.")
}
