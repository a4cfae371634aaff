//! Who signs in with which address: noted, and read again.
//!
//! Not here: what is noted (`login::person`), and who looks people up (`flow::admin::people`).

use crate::flow::RequestContext;
use crate::login::person::{KEPT, Person};
use crate::login::{Identity, person};
use crate::ports::{Platform, Unavailable};
use crate::vault::Purpose;

/// The longest address there is (RFC 5321 §4.5.3.1), generously.
pub const LONGEST: usize = 320;

/// Notes who signed in with which address. Where that cannot be stored nobody is kept from signing in: the next time it
/// is noted.
pub async fn note<P: Platform>(context: &RequestContext<'_, P>, identity: &Identity) {
    let Some(email) = identity.email.as_deref().filter(|email| email.len() <= LONGEST) else { return };
    let Ok(before) = read(context, email).await else { return };
    let noted = Person::noted(before, &identity.subject, identity.name.as_deref(), context.now);
    if let Some(person) = noted {
        let key = person::key(email);
        let sealed = context.keys.seal_json(Purpose::Person, &[&key], context.platform.random(), &person);
        let _ = context.platform.put(&key, &sealed, Some(KEPT)).await;
    }
}

/// Everybody who signed in with an address. What cannot be opened, because its key was dropped, is as good as none.
pub async fn read<P: Platform>(context: &RequestContext<'_, P>, email: &str) -> Result<Option<Person>, Unavailable> {
    let key = person::key(email);
    let sealed = context.platform.get(&key).await?;
    Ok(sealed.and_then(|sealed| context.keys.open_json(Purpose::Person, &[&key], &sealed).ok()))
}
