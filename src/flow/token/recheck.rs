//! Asking the identity provider again whether somebody may still come: before a code or a refresh token of a client's
//! is used, when the provider's last word is old. Whom it does not let in any more is out, as if they had signed out
//! there.
//!
//! The provider's refresh token is in a connection, so that of all requests one asks, and a rotated token is stored
//! before anything is done with what came with it. Not here: what an answer means (`login::oidc::recheck`).

use crate::authorization_log::AuthorizationStep;
use crate::config::{Login, Oidc};
use crate::flow::login::provider::{admit, renewed};
use crate::flow::login::{claims, provider, recheck, session};
use crate::flow::{RequestContext, leaving, profile, revocation};
use crate::headers::{HeaderValue, RETRY_AFTER};
use crate::json::Node;
use crate::login::oidc::discovery::Provider;
use crate::login::oidc::id_token::{Proven, sub_of};
use crate::login::oidc::recheck::{Age, NotRenewed, Renewed};
use crate::oauth::error::ErrorCode;
use crate::oauth::grant;
use crate::oauth::grant::GrantId;
use crate::ports::{Platform, Unavailable};
use crate::secret::{Digested, Secret};
use crate::time::{Lifetime, Millis, Timestamp};
use crate::upstream::connection::{Command, Death, Outcome, Reason};
use crate::upstream::credential::{Credential, CredentialKind};
use crate::upstream::key::ConnectionKey;
use crate::vault::Purpose;
use crate::web::failure::{Blame, Failure};

/// How long a request waits for another one that asks.
const PATIENCE: Millis = Millis(12_000);
const PAUSE: Millis = Millis(200);
/// Pauses before a token that could not be stored is stored again.
const STORING: [Millis; 3] = [Millis(0), Millis(200), Millis(800)];

/// What came of asking.
enum Asked {
    /// The person may come.
    Answered,
    /// They are out.
    Gone,
    /// Nobody knows, and when to ask again.
    Unanswered(Lifetime),
}

/// One request that needs to know.
struct Recheck<'a, P> {
    context: &'a RequestContext<'a, P>,
    login: &'a Oidc,
    interval: Lifetime,
    subject: String,
    key: ConnectionKey,
}

/// Refuses tokens in the name of somebody whom the provider does not let in any more, and ends what there is of them.
/// Answers whether it was asked: where nothing was kept to ask with, it never is.
pub(super) async fn require<P: Platform>(context: &RequestContext<'_, P>, grant: &GrantId) -> Result<bool, Failure> {
    if interval(context).is_none() {
        return Ok(false);
    }
    let shown = context.platform.grant(grant, grant::Command::Show).await;
    let shown = shown.map_err(|Unavailable| Failure::storage())?;
    let grant::Outcome::Shown { subject: Some(subject), .. } = shown else { return Ok(false) };
    context.record.subject(&subject);
    require_person(context, subject, Some(grant)).await
}

fn interval<'c, P>(context: &'c RequestContext<'_, P>) -> Option<(&'c Oidc, Lifetime)> {
    let Login::Oidc(login) = &context.config.login else { return None };
    login.recheck.map(|interval| (login, interval))
}

/// The same of whom it is known who they are; the grant that led to them ends with them in any case.
pub(super) async fn require_person<P: Platform>(
    context: &RequestContext<'_, P>,
    subject: String,
    grant: Option<&GrantId>,
) -> Result<bool, Failure> {
    let Some((login, interval)) = interval(context) else { return Ok(false) };
    let key = ConnectionKey::of_login(&subject);
    let recheck = Recheck { context, login, interval, subject, key };

    let age = recheck.age().await?;
    if age.is_some_and(|(_, age)| age == Age::Fresh) {
        return Ok(false);
    }
    context.record.step(AuthorizationStep::Identity);
    let asked = match age {
        Some((generation, _)) => recheck.ask(generation).await?,
        None => Asked::Gone,
    };
    match asked {
        Asked::Answered => Ok(true),
        Asked::Unanswered(_) if age.is_some_and(|(_, age)| age == Age::Due) => {
            context.record.outcome("unanswered");
            Ok(true)
        }
        Asked::Unanswered(wait) => Err(unavailable(wait)),
        Asked::Gone => {
            // Who has signed in within this second was let in by then.
            let by = context.now - Lifetime(1);
            session::leave(context, &Digested::of(&recheck.subject), by).await?;
            leaving::end(context, login.backchannel_logout, &recheck.subject, by).await?;
            if let Some(grant) = grant {
                revocation::end_grant(context, grant).await?;
            }
            Err(gone())
        }
    }
}

impl<P: Platform> Recheck<'_, P> {
    /// How old the provider's last word is, and the generation of what it can be asked again with; `None` where it has
    /// put the person out. What is of another client or provider, or not there, cannot be asked with, and never is due.
    async fn age(&self) -> Result<Option<(u64, Age)>, Failure> {
        let (generation, sealed) = match self.command(Command::Read).await? {
            Outcome::Live { generation, sealed } => (generation, sealed),
            Outcome::Dead { .. } => return Ok(None),
            _ => return Ok(Some((0, Age::Fresh))),
        };
        // One that is sealed under a key that is gone: they sign in again.
        let Some(credential) = self.open(&sealed) else { return Ok(None) };
        if credential.binding != recheck::binding(self.login) {
            return Ok(Some((generation, Age::Fresh)));
        }
        // Roles and claims that could not be had are asked for again.
        let told = profile::noted(self.context, &self.subject).await?.map(|profile| profile.at);
        let asked = credential.token().map_or(Timestamp(0), |token| token.obtained);
        let last = told.map_or(asked, |told| told.min(asked));
        Ok(Some((generation, Age::of(last, self.interval, self.context.now))))
    }

    /// Asks, or waits for who does.
    async fn ask(&self, generation: u64) -> Result<Asked, Failure> {
        let holder = self.context.id();
        let mut waited = Millis(0);
        loop {
            let lease = Command::Lease { seen: generation, holder: holder.clone(), from_nothing: false };
            match self.command(lease).await? {
                Outcome::Leased { generation, sealed } => {
                    return self.lead(&holder, generation, sealed.as_deref().unwrap_or_default()).await;
                }
                Outcome::Dead { .. } => return Ok(Asked::Gone),
                Outcome::Wait { .. } if waited < PATIENCE => {}
                Outcome::Wait { until } => return Ok(self.unanswered(until)),
                Outcome::BackingOff { retry_at } => return Ok(self.unanswered(retry_at)),
                // Somebody else has an answer, or they have signed in anew.
                _ => return Ok(Asked::Answered),
            }
            self.context.platform.pause(PAUSE).await;
            waited = waited.and(PAUSE);
        }
    }

    async fn lead(&self, holder: &str, generation: u64, sealed: &str) -> Result<Asked, Failure> {
        let fail = |why| Command::Fail { holder: holder.to_owned(), generation, why };
        let dead = fail(Reason::Dead { death: Death::Revoked });
        let later = fail(Reason::Temporary { retry_at: None });
        let Some(Credential { since, kind: CredentialKind::Oauth(mut oauth), .. }) = self.open(sealed) else {
            return self.failed(dead).await;
        };
        let Some(refresh_token) = oauth.refresh_token.take() else { return self.failed(dead).await };
        let Ok(provider) = provider::metadata(self.context, self.login).await else { return self.failed(later).await };
        let answer = match renewed(self.context, self.login, &provider, &refresh_token).await {
            Ok(answer) => answer,
            Err(NotRenewed::Gone) => return self.failed(dead).await,
            Err(NotRenewed::Unanswered(_)) => return self.failed(later).await,
        };
        let proven = self.proven(&provider, answer.id_token.as_ref()).await;
        if let Ok(Some(proven)) = &proven
            && admit(&self.login.require, &proven.claims().map_err(provider::refused)?).is_err()
        {
            return self.failed(dead).await;
        }
        oauth.refresh_token = Some(answer.refresh_token.clone().unwrap_or(refresh_token));
        if proven.is_ok() {
            oauth.token = recheck::no_access(self.context);
        }
        let kind = CredentialKind::Oauth(oauth);
        self.finish(generation, &Credential::new(recheck::binding(self.login), since, kind)).await?;
        match proven {
            Ok(proven) => self.note(&provider, proven.as_ref(), &answer).await,
            Err(_) => Ok(self.unanswered(self.context.now)),
        }
    }

    /// Who the new ID token is about, where there is one. Somebody else's is as good as no answer (Core §12.2).
    async fn proven(&self, provider: &Provider, id_token: Option<&Secret>) -> Result<Option<Proven>, Failure> {
        let Some(id_token) = id_token else { return Ok(None) };
        let proven = provider::proven(self.context, self.login, provider, id_token, None).await?;
        if proven.identity.subject == self.subject { Ok(Some(proven)) } else { Err(unavailable(self.interval)) }
    }

    /// Stores what came before anything is done with it: from now on the token before may be worth nothing.
    async fn finish(&self, generation: u64, credential: &Credential) -> Result<(), Failure> {
        let sealed = recheck::seal(self.context, &self.key, credential);
        for pause in STORING {
            if pause > Millis(0) {
                self.context.platform.pause(pause).await;
            }
            let command = Command::Finish { generation, sealed: sealed.clone() };
            if self.command(command).await.is_ok() {
                return Ok(());
            }
        }
        Err(Failure::storage())
    }

    /// Notes the roles and claims of now.
    async fn note(&self, provider: &Provider, proven: Option<&Proven>, answer: &Renewed) -> Result<Asked, Failure> {
        if !profile::is_asked_for(&self.context.config) {
            return Ok(Asked::Answered);
        }
        let nothing = Node::Object(Vec::new());
        let told = match proven {
            Some(proven) => proven.claims().map_err(provider::refused)?,
            None => nothing,
        };
        let sub = sub_of(&self.subject);
        let access_token = answer.access_token.as_ref();
        match claims::profile(self.context, self.login, provider, &told, sub, access_token).await {
            Ok(profile) => {
                profile::note(self.context, &self.subject, profile).await?;
                Ok(Asked::Answered)
            }
            Err(_) => Ok(self.unanswered(self.context.now)),
        }
    }

    /// Says that it brought nothing, and what that means.
    async fn failed(&self, command: Command) -> Result<Asked, Failure> {
        Ok(match self.command(command).await? {
            Outcome::Dead { .. } => Asked::Gone,
            Outcome::BackingOff { retry_at } => self.unanswered(retry_at),
            Outcome::Wait { until } => self.unanswered(until),
            _ => Asked::Answered,
        })
    }

    fn unanswered(&self, retry_at: Timestamp) -> Asked {
        Asked::Unanswered(retry_at.remaining(self.context.platform.moment()))
    }

    fn open(&self, sealed: &str) -> Option<Credential> {
        self.context.keys.open_json(Purpose::Connection, &self.key.place(), sealed).ok()
    }

    async fn command(&self, command: Command) -> Result<Outcome, Failure> {
        recheck::command(self.context, &self.key, command).await
    }
}

fn gone() -> Failure {
    let message = "The identity provider does not let this person in any more, so nothing goes on in their name.";
    Failure::oauth(ErrorCode::InvalidGrant, "login_recheck_gone", message)
        .fix("Start the authorization again from the client; the person has to sign in.")
}

fn unavailable(wait: Lifetime) -> Failure {
    let message = "The identity provider has to be asked whether this person may still come, and does not answer.";
    let blame = Failure::new(Blame::Upstream, 503, "login_recheck_unavailable", message);
    blame
        .code(ErrorCode::TemporarilyUnavailable)
        .fix("Try again shortly. A refresh token is still good.")
        .header(RETRY_AFTER, HeaderValue::from(wait.0.clamp(1, 60)))
}
