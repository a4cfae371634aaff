//! Asking the identity provider again whether somebody may still come: before a code or a refresh token of a client's
//! is used, and before an agent of theirs gets a token, when the provider's last word is old. Whom it does not let in
//! any more is out, as if they had signed out there.
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
use crate::login::oidc::recheck::{Age, Renewed};
use crate::oauth::error::ErrorCode;
use crate::oauth::grant;
use crate::oauth::grant::GrantId;
use crate::ports::{Platform, Unavailable};
use crate::secret::Digested;
use crate::time::{Lifetime, Millis, Timestamp};
use crate::upstream::connection::{Command, Death, Outcome, Reason};
use crate::upstream::credential::{Credential, CredentialKind};
use crate::upstream::key::ConnectionKey;
use crate::web::failure::{Blame, Failure};

/// How long a request waits for another one that asks.
const PATIENCE: Millis = Millis(12_000);
const PAUSE: Millis = Millis(200);
/// Pauses before a token that could not be stored is stored again.
const STORING: [Millis; 3] = [Millis(0), Millis(200), Millis(800)];

/// What came of asking.
enum RecheckOutcome {
    /// The person may come.
    Answered,
    /// They are out.
    Gone,
    /// Nobody knows: when to ask again, and why, where it was this request that asked.
    Unanswered(Lifetime, Option<Failure>),
}

/// The provider's last word on somebody.
struct Word {
    /// Of what it can be asked again with.
    generation: u64,
    /// How old it is that they may come.
    admission: Age,
    /// How old all of it is, their roles and claims too.
    age: Age,
}

/// What it says of them, asked again.
enum Told {
    IdToken(Box<Proven>),
    Userinfo(Vec<u8>),
    /// That they may come.
    Nothing,
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

    let word = recheck.word().await?;
    let age = word.as_ref().map(|word| word.age);
    if age == Some(Age::Fresh) {
        return Ok(false);
    }
    context.record.step(AuthorizationStep::Identity);
    let outcome = match word {
        Some(word) => recheck.ask(word.generation).await?,
        None => RecheckOutcome::Gone,
    };
    match outcome {
        RecheckOutcome::Answered => Ok(true),
        RecheckOutcome::Unanswered(_, why) if age == Some(Age::Due) => {
            context.record.outcome(why.map_or("unanswered", |why| why.reason));
            Ok(true)
        }
        RecheckOutcome::Unanswered(wait, why) => Err(unavailable(wait, why.as_ref())),
        RecheckOutcome::Gone => {
            // Who has signed in within this second was let in by then.
            let by = context.now - Lifetime(1);
            session::leave(context, &Digested::of(&recheck.subject), by).await?;
            leaving::end(context, login.backchannel_logout, &recheck.subject, by).await?;
            if let Some(grant) = grant {
                revocation::end_grant(context, grant).await?;
            }
            Err(gone(grant))
        }
    }
}

impl<P: Platform> Recheck<'_, P> {
    /// The provider's last word; `None` where it has put the person out. What is of another client or provider, or not
    /// there, cannot be asked with, and never is due.
    async fn word(&self) -> Result<Option<Word>, Failure> {
        let fresh = |generation| Word { generation, admission: Age::Fresh, age: Age::Fresh };
        let (generation, sealed) = match self.command(Command::Read).await? {
            Outcome::Live { generation, sealed } => (generation, sealed),
            Outcome::Dead { .. } => return Ok(None),
            _ => return Ok(Some(fresh(0))),
        };
        // One that is sealed under a key that is gone: they sign in again.
        let Some(credential) = self.open(&sealed) else { return Ok(None) };
        if credential.binding != recheck::binding(self.login) {
            return Ok(Some(fresh(generation)));
        }
        // Roles and claims that could not be had are asked for again.
        let told = profile::noted(self.context, &self.subject).await?.map(|profile| profile.at);
        let asked = credential.token().map_or(Timestamp(0), |token| token.obtained);
        let last = told.map_or(asked, |told| told.min(asked));
        let age = |at| Age::of(at, self.interval, self.context.now);
        Ok(Some(Word { generation, admission: age(asked), age: age(last) }))
    }

    /// What somebody else's answer means here, if it was one: who asked may have heard nothing, too.
    fn heard(&self, word: Option<Word>) -> RecheckOutcome {
        match word.map(|word| word.age) {
            None => RecheckOutcome::Gone,
            Some(Age::Fresh) => RecheckOutcome::Answered,
            Some(_) => self.unanswered(self.context.now, None),
        }
    }

    /// Asks, or waits for who does.
    async fn ask(&self, generation: u64) -> Result<RecheckOutcome, Failure> {
        let holder = self.context.id();
        let mut waited = Millis(0);
        loop {
            let lease = Command::Lease { seen: generation, holder: holder.clone(), from_nothing: false };
            match self.command(lease).await? {
                Outcome::Leased { generation, sealed } => {
                    return self.lead(&holder, generation, sealed.as_deref().unwrap_or_default()).await;
                }
                Outcome::Dead { .. } => return Ok(RecheckOutcome::Gone),
                Outcome::Wait { .. } if waited < PATIENCE => {}
                Outcome::Wait { until } => return Ok(self.unanswered(until, None)),
                Outcome::BackingOff { retry_at } => return Ok(self.unanswered(retry_at, None)),
                // Somebody else has asked, or they have signed in anew. Who asked may still be at roles and claims.
                _ => {
                    let word = self.word().await?;
                    let is_at_roles = |word: &Word| word.admission == Age::Fresh && word.age != Age::Fresh;
                    if waited >= PATIENCE || !word.as_ref().is_some_and(is_at_roles) {
                        return Ok(self.heard(word));
                    }
                }
            }
            self.context.platform.pause(PAUSE).await;
            waited = waited.and(PAUSE);
        }
    }

    async fn lead(&self, holder: &str, generation: u64, sealed: &str) -> Result<RecheckOutcome, Failure> {
        let fail = |why| Command::Fail { holder: holder.to_owned(), generation, why };
        let dead = fail(Reason::Dead { death: Death::Revoked });
        let later = fail(Reason::Temporary { retry_at: None });
        let Some(Credential { since, kind: CredentialKind::Oauth(mut oauth), .. }) = self.open(sealed) else {
            return self.failed(dead, None).await;
        };
        let Some(refresh_token) = oauth.refresh_token.take() else { return self.failed(dead, None).await };
        let provider = match provider::metadata(self.context, self.login).await {
            Ok(provider) => provider,
            Err(why) => return self.failed(later, Some(why)).await,
        };
        let answer = match renewed(self.context, self.login, &provider, &refresh_token).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return self.failed(dead, None).await,
            Err(why) => return self.failed(later, Some(why)).await,
        };
        let told = self.told(&provider, &answer).await;
        let claims = match &told {
            Ok(told) => told.claims(),
            Err(why) => Err(why.clone()),
        };
        if let Ok(claims) = &claims
            && admit(&self.login.require, claims).is_err()
        {
            return self.failed(dead, None).await;
        }
        oauth.refresh_token = Some(answer.refresh_token.clone().unwrap_or(refresh_token));
        if claims.is_ok() {
            oauth.token = recheck::no_access(self.context);
        }
        let kind = CredentialKind::Oauth(oauth);
        self.finish(generation, &Credential::new(recheck::binding(self.login), since, kind)).await?;
        match claims {
            Ok(claims) => self.note(&provider, &claims, &answer).await,
            Err(why) => Ok(self.unanswered(self.context.now, Some(why))),
        }
    }

    /// What the answer says of the person. The new ID token, where there is one: somebody else's is as good as no
    /// answer (Core §12.2). Without one it says that they may come, unless everybody needs a claim: userinfo is asked.
    async fn told(&self, provider: &Provider, answer: &Renewed) -> Result<Told, Failure> {
        let Some(id_token) = &answer.id_token else {
            if self.login.require.is_empty() {
                return Ok(Told::Nothing);
            }
            let (sub, access_token) = (sub_of(&self.subject), answer.access_token.as_ref());
            let said = claims::again(self.context, self.login, provider, sub, access_token).await;
            return said.map(Told::Userinfo);
        };
        let proven = provider::proven(self.context, self.login, provider, id_token, None).await?;
        if proven.identity.subject == self.subject {
            Ok(Told::IdToken(Box::new(proven)))
        } else {
            Err(provider::unavailable("it answered about somebody else"))
        }
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
    async fn note(&self, provider: &Provider, told: &Node<'_>, answer: &Renewed) -> Result<RecheckOutcome, Failure> {
        if !profile::is_asked_for(&self.context.config) {
            return Ok(RecheckOutcome::Answered);
        }
        let (sub, access_token) = (sub_of(&self.subject), answer.access_token.as_ref());
        match claims::profile(self.context, self.login, provider, told, sub, access_token).await {
            Ok(profile) => {
                profile::note(self.context, &self.subject, profile).await?;
                Ok(RecheckOutcome::Answered)
            }
            Err(why) => Ok(self.unanswered(self.context.now, Some(why))),
        }
    }

    /// Says that it brought nothing, and what that means.
    async fn failed(&self, command: Command, why: Option<Failure>) -> Result<RecheckOutcome, Failure> {
        match self.command(command).await? {
            Outcome::Dead { .. } => Ok(RecheckOutcome::Gone),
            Outcome::BackingOff { retry_at } => Ok(self.unanswered(retry_at, why)),
            Outcome::Wait { until } => Ok(self.unanswered(until, why)),
            _ => Ok(self.heard(self.word().await?)),
        }
    }

    fn unanswered(&self, retry_at: Timestamp, why: Option<Failure>) -> RecheckOutcome {
        RecheckOutcome::Unanswered(retry_at.remaining(self.context.platform.moment()), why)
    }

    fn open(&self, sealed: &str) -> Option<Credential> {
        recheck::open(self.context, &self.key, sealed)
    }

    async fn command(&self, command: Command) -> Result<Outcome, Failure> {
        recheck::command(self.context, &self.key, command).await
    }
}

impl Told {
    fn claims(&self) -> Result<Node<'_>, Failure> {
        match self {
            Self::IdToken(proven) => proven.claims().map_err(provider::refused),
            Self::Userinfo(bytes) => Node::parse(bytes).map_err(|_| provider::unavailable("its answer cannot be read")),
            Self::Nothing => Ok(Node::Object(Vec::new())),
        }
    }
}

fn gone(grant: Option<&GrantId>) -> Failure {
    let message = "The identity provider does not let this person in any more, so nothing goes on in their name.";
    Failure::oauth(ErrorCode::InvalidGrant, "login_recheck_gone", message).fix(if grant.is_some() {
        "Start the authorization again from the client; the person has to sign in."
    } else {
        "The person who sponsors the agent has to sign in to the gateway again, if the identity provider lets them."
    })
}

fn unavailable(wait: Lifetime, why: Option<&Failure>) -> Failure {
    let mut message =
        "The identity provider has to be asked whether this person may still come, and does not answer.".to_owned();
    if let Some(why) = why {
        message = format!("{message} {}", why.message);
    }
    let blame = Failure::new(Blame::Upstream, 503, "login_recheck_unavailable", message);
    blame
        .code(ErrorCode::TemporarilyUnavailable)
        .fix("Try again shortly. A refresh token is still good.")
        .header(RETRY_AFTER, HeaderValue::from(wait.0.clamp(1, 60)))
}
