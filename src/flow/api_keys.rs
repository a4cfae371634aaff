//! API keys where they are kept: made, found by what a caller presents, revoked, and noted as used.
//!
//! A key is listed in its owner's account before it is good for anything, and unlisted last: what cannot be seen could
//! not be ended. Not here: who may make or revoke one (`flow::account`, `flow::admin`), and calls with it
//! (`flow::call::api_key`).

use super::{RequestContext, revocation};
use crate::memory::{KnownUse, Memory};
use crate::oauth::api_key::{ApiKey, text};
use crate::oauth::subject::{Command, KeyUse, ListedKey, Outcome};
use crate::ports::{Platform, Unavailable};
use crate::secret::{Digested, Secret};
use crate::time::{Lifetime, Timestamp};
use crate::vault::{KeyRing, Purpose};
use crate::web::failure::Failure;

/// How long what is known of a key outlives it: whoever goes on using it is told that it has expired.
const EXPIRED: Lifetime = Lifetime::days(30);

/// How exactly the last use is known.
const DAY: Lifetime = Lifetime::days(1);

/// Makes a key. Its text is known to nobody but who gets this answer.
pub async fn make<P: Platform>(
    context: &RequestContext<'_, P>,
    key: &ApiKey,
    name: String,
) -> Result<(ListedKey, Secret), Failure> {
    let secret = text::mint(context.platform.random());
    let listed = ListedKey {
        id: key.id.clone(),
        digest: secret.digest(),
        name,
        servers: key.servers.clone(),
        scope: key.permissions.union(&key.scope),
        at: context.now,
        expires: key.expires,
        used: None,
    };
    let told = Command::AddKey { key: listed.clone(), signed_in: key.since };
    match context.platform.account(key.owner(), told).await.map_err(|Unavailable| Failure::storage())? {
        Outcome::Noted => {}
        Outcome::Full => return Err(too_many()),
        Outcome::Revoked => return Err(revoked_meanwhile()),
        _ => return Err(Failure::storage()),
    }
    store(context.platform, &context.keys, &listed.digest, key).await.map_err(|Unavailable| Failure::storage())?;
    Ok((listed, secret))
}

/// Stores what is known of a key, and takes it back where the key was revoked meanwhile: a put that was under way would
/// bring it back.
async fn store<P: Platform>(platform: &P, keys: &KeyRing, digest: &Digested, key: &ApiKey) -> Result<(), Unavailable> {
    let name = stored(digest);
    let sealed = keys.seal_json(Purpose::ApiKey, &[&name], platform.random(), key);
    platform.put(&name, &sealed, Some(key.expires.remaining(platform.now()).and(EXPIRED))).await?;
    match platform.account(key.owner(), Command::List).await? {
        Outcome::Listed { keys, .. } if keys.iter().any(|listed| listed.id == key.id) => Ok(()),
        _ => platform.delete(&name).await,
    }
}

/// The key that is presented. One that was made up costs one look at most, and what does not even look like one none.
pub async fn look_up<P: Platform>(context: &RequestContext<'_, P>, presented: &str) -> Result<Option<ApiKey>, Failure> {
    if !text::is_well_formed(presented) {
        return Ok(None);
    }
    let (unknown, now) = (&context.memory.unknown_keys, context.now);
    let digest = Digested::of(presented);
    if unknown.get(digest.as_str(), now).is_some() {
        return Ok(None);
    }
    let found = find(context, &digest).await?;
    if found.is_none() {
        unknown.put(digest.as_str(), (), now + revocation::REMEMBERED, now);
    }
    Ok(found)
}

/// What is known of the key with this digest.
pub async fn find<P: Platform>(context: &RequestContext<'_, P>, digest: &Digested) -> Result<Option<ApiKey>, Failure> {
    let name = stored(digest);
    let sealed = context.platform.get(&name).await.map_err(|Unavailable| Failure::storage())?;
    let Some(sealed) = sealed else { return Ok(None) };
    let key: Option<ApiKey> = context.keys.open_json(Purpose::ApiKey, &[&name], &sealed).ok();
    if let Some(key) = key.as_ref().filter(|_| !context.keys.is_current(&sealed)) {
        context.memory.outdated_keys.borrow_mut().push((digest.clone(), key.clone()));
        context.memory.unsettled.set(true);
    }
    Ok(key)
}

/// Revokes a key: the marker reaches isolates that know it, and those that do not find nothing.
pub async fn revoke<P: Platform>(context: &RequestContext<'_, P>, owner: &str, key: &ListedKey) -> Result<(), Failure> {
    revocation::revoke_key(context, &key.id).await?;
    context.platform.delete(&stored(&key.digest)).await.map_err(|Unavailable| Failure::storage())?;
    let forgotten = Command::ForgetKey { key: key.id.clone() };
    context.platform.account(owner, forgotten).await.map_err(|Unavailable| Failure::storage())?;
    // Once more: what was stored in between, while the key was still listed, is not taken back by who stored it.
    let _ = context.platform.delete(&stored(&key.digest)).await;
    Ok(())
}

/// Remembers that a key was used, where nobody here has said so today. It is told to its owner's account behind the
/// reply.
pub fn note_use<P: Platform>(context: &RequestContext<'_, P>, key: &ApiKey, from: Option<String>) {
    let (memory, now) = (context.memory, context.now);
    if memory.noted_uses.get(key.id.as_str(), now).is_some() {
        return;
    }
    let tomorrow = Timestamp(now.0 - now.0 % DAY.0) + DAY;
    memory.noted_uses.put(key.id.as_str(), (), tomorrow, now);
    let used = KeyUse { at: now, from };
    memory.key_uses.borrow_mut().push(KnownUse { owner: key.owner().to_owned(), key: key.id.clone(), used });
    memory.unsettled.set(true);
}

/// Tells accounts of the uses of their keys, and seals anew what was sealed with an older key of the ring.
pub async fn settle<P: Platform>(platform: &P, memory: &Memory, keys: &KeyRing) {
    for (digest, key) in memory.outdated_keys.take() {
        let _ = store(platform, keys, &digest, &key).await; // or when another isolate finds it
    }
    for KnownUse { owner, key, used } in memory.key_uses.take() {
        let id = key.as_str().to_owned();
        if platform.account(&owner, Command::KeyUsed { key, used }).await.is_err() {
            memory.noted_uses.forget(&id); // another use tells it
        }
    }
}

/// Storage key of what is known of a key.
fn stored(digest: &Digested) -> String {
    format!("api-key:{}", digest.as_str())
}

fn too_many() -> Failure {
    Failure::client(409, "api_key_list_full", "There are as many API keys as there may be.")
        .fix("Revoke one that is not used any more, then make another.")
}

fn revoked_meanwhile() -> Failure {
    Failure::client(403, "api_key_revoked_meanwhile", "The operator has revoked everything of yours.")
        .fix("Sign in again, then make the key.")
}
