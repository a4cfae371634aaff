//! Asking an issuer about a token (RFC 7662). What it says is believed for a minute at most, so a revocation is heard
//! of within that; that a token is none is remembered too, and whoever presents many such is not asked for any more.
//!
//! Not here: what a good token must say (`oauth::external::access_token`), and remembering who it lets in
//! (`flow::call::external`).

use super::{ANSWER_DEADLINE, ask, exchange, keys, unavailable, unfit, wait_for_others};
use crate::config::{ExternalIssuer, Introspection};
use crate::flow::client::caller;
use crate::flow::{Head, RequestContext, secret_missing};
use crate::json::Node;
use crate::oauth_client::client_auth::GatewayClient;
use crate::oauth_client::introspection;
use crate::oauth_client::introspection::{NoAnswer, TokenStanding};
use crate::ports::{Outgoing, Platform};
use crate::secret::{Digested, Secret};
use crate::time::Lifetime;
use crate::web::failure::Failure;

/// How long it is remembered that a token is none, and for how long tokens that are none are counted.
const REMEMBERED: Lifetime = Lifetime(60);
/// So many tokens that are none, or not known yet, may come from one address in that time.
const MOST: u32 = 20;

/// What an issuer says of a token: all of its answer where the token is good.
pub async fn ask_about<P: Platform>(
    context: &RequestContext<'_, P>,
    head: &Head,
    issuer: &ExternalIssuer,
    asking: &Introspection,
    token: &str,
) -> Result<Option<Vec<u8>>, Failure> {
    let memory = context.memory;
    let question = format!("token {} {}", issuer.alias, Digested::of(token).as_str());
    let address = format!("{} {}", issuer.alias, caller::address(head).unwrap_or_default());
    wait_for_others(context, &question).await;
    if memory.inactive_tokens.get(&question, context.now).is_some() {
        return Ok(None);
    }
    if let Some(answer) = memory.introspected.get(&question, context.now) {
        return Ok(Some(answer.as_ref().clone()));
    }
    let strange = memory.strange_tokens.get(&address, context.now).unwrap_or_default();
    if strange >= MOST {
        return Err(unavailable(issuer, None, "too many tokens that are none came from this address"));
    }
    let until = context.now + REMEMBERED;
    // Taken for one that is none until it is known to be one, or any number could be asked about at once.
    memory.strange_tokens.put(address.as_str(), strange.saturating_add(1), until, context.now);
    let answer = ask(context, question.clone(), asked(context, issuer, asking, token)).await?;
    if let Some(answer) = &answer {
        let strange = memory.strange_tokens.get(&address, context.now).unwrap_or_default();
        memory.strange_tokens.put(address, strange.saturating_sub(1), until, context.now);
        memory.introspected.put(question, answer.clone().into(), until, context.now);
    } else {
        memory.inactive_tokens.put(question, (), until, context.now);
    }
    Ok(answer)
}

async fn asked<P: Platform>(
    context: &RequestContext<'_, P>,
    issuer: &ExternalIssuer,
    asking: &Introspection,
    token: &str,
) -> Result<Option<Vec<u8>>, Failure> {
    let name = &asking.client_secret;
    let secret = context.platform.secret(name.as_str());
    let secret = secret.ok_or_else(|| secret_missing("issuer_secret_missing", name, "an issuer is asked with"))?;
    let endpoint = match &asking.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => match &keys::metadata(context, issuer).await?.introspection_endpoint {
            Some(endpoint) => endpoint.clone(),
            None => return Err(unfit(issuer, None, "its metadata names no introspection_endpoint")),
        },
    };
    let client = GatewayClient::new(asking.client_id.as_str(), Some(secret), asking.method);
    let request = introspection::request(endpoint.as_str(), &client, &Secret::new(token)).ok();
    let request = request.and_then(|request| Outgoing::of(request, ANSWER_DEADLINE));
    let request = request.ok_or_else(|| unfit(issuer, Some(&endpoint), "it cannot be asked there"))?;
    let (status, bytes) = exchange(context, issuer, request, introspection::MAX_BYTES).await?;
    let answer = Node::parse(&bytes).unwrap_or(Node::Null);
    match introspection::standing(status, &answer) {
        Ok(TokenStanding::Active) => Ok(Some(bytes)),
        Ok(TokenStanding::Inactive | TokenStanding::OtherToken) => Ok(None),
        Err(NoAnswer::ClientRefused) => {
            let why = format!("it answered {}, so it does not know the gateway by this id and secret", status.as_u16());
            Err(unfit(issuer, Some(&endpoint), &why))
        }
        Err(NoAnswer::Unfit) => {
            Err(unavailable(issuer, Some(&endpoint), &format!("it answered {} and no verdict", status.as_u16())))
        }
    }
}
