//! The ports in memory: a clock that stands until told, seeded entropy, storage that keeps its promises to the second
//! and can be taken away, and an outside that answers from a script.
//!
//! Not here: who is outside (`upstream`, `idp`, documents a test publishes).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use mcp_edge_gateway::headers::HeaderMap;
use mcp_edge_gateway::json;
use mcp_edge_gateway::metrics::{Sample, command};
use mcp_edge_gateway::oauth::grant::GrantId;
use mcp_edge_gateway::oauth::once::OnceId;
use mcp_edge_gateway::oauth::{grant, once, subject};
use mcp_edge_gateway::ports::{
    Answer, Clock, Directory, Entropy, FetchError, Journal, Ledger, Limited, Limiter, Meter, Outbound, Outgoing,
    ReadError, Secrets, Stream, Timer, Unavailable,
};
use mcp_edge_gateway::secret::Secret;
use mcp_edge_gateway::time::{Lifetime, Millis, Tick, Timestamp};
use mcp_edge_gateway::upstream::key::ConnectionKey;
use mcp_edge_gateway::upstream::{connection, issuer};
use mcp_edge_gateway::wire::READ_OF_ANSWERS;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::shards::Shards;

/// A host outside: from a request to its answer.
pub type Host = Rc<dyn Fn(&Outgoing) -> Result<Scripted, FetchError>>;

/// An answer from outside.
pub struct Scripted {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// How long it takes to arrive, milliseconds.
    pub after: u32,
}

impl Scripted {
    pub fn new(status: u16, headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Self { status, headers, body: body.into(), after: 0 }
    }

    /// The same, later.
    pub fn after(self, milliseconds: u32) -> Self {
        Self { after: milliseconds, ..self }
    }

    pub fn json(body: &serde_json::Value) -> Self {
        Self::new(200, &[("content-type", "application/json")], body.to_string())
    }
}

/// A body in memory.
#[derive(Debug)]
pub struct Bytes(pub Vec<u8>);

impl Stream for Bytes {
    async fn read(self, limit: usize, _within: Lifetime) -> Result<Vec<u8>, ReadError> {
        if self.0.len() > limit { Err(ReadError::TooLarge) } else { Ok(self.0) }
    }

    async fn discard(self) {}
}

/// How often each kind of port was used.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Uses {
    pub fetches: u32,
    pub directory: u32,
    /// Of these, what was put or deleted.
    pub writes: u32,
    pub ledger: u32,
    /// How often it was asked whether something may be done once more.
    pub limiter: u32,
    /// How often what was counted was told, or asked for.
    pub metered: u32,
}

/// Every port, for all isolates of a world.
#[derive(Default)]
pub struct InMemory {
    pub now: Cell<u64>,
    /// When the one request that is under way began. Of several at once each goes by the time that it is: they share
    /// these ports.
    pub began: Cell<Option<Timestamp>>,
    /// Milliseconds since that second began.
    pub milliseconds: Cell<u64>,
    /// When whoever waits goes on, milliseconds since the epoch.
    pub sleepers: RefCell<Vec<u64>>,
    pub seed: Cell<u64>,
    pub secrets: RefCell<BTreeMap<String, String>>,
    pub directory: RefCell<BTreeMap<String, (String, Option<Timestamp>)>>,
    pub grants: RefCell<BTreeMap<String, String>>,
    pub accounts: RefCell<BTreeMap<String, String>>,
    pub connections: RefCell<BTreeMap<String, String>>,
    pub issuers: RefCell<BTreeMap<String, String>>,
    pub burned: RefCell<BTreeMap<String, String>>,
    pub shards: Shards,
    pub hosts: RefCell<BTreeMap<String, Host>>,
    pub sent: RefCell<Vec<Outgoing>>,
    pub journal: RefCell<Vec<String>>,
    /// The authorization log's rows, and in which part they are.
    pub archive: super::archive::Rows,
    pub archive_down: Cell<bool>,
    pub directory_down: Cell<bool>,
    pub directory_read_only: Cell<bool>,
    /// How long a value is on its way out of the directory, milliseconds.
    pub slow_directory: Cell<u32>,
    pub ledger_down: Cell<bool>,
    pub accounts_down: Cell<bool>,
    pub grants_down: Cell<bool>,
    pub signatures_down: Cell<bool>,
    pub limiter_down: Cell<bool>,
    pub registrations_left: Cell<u32>,
    /// How often an address did in a minute what it may do ten times.
    pub attempts: RefCell<BTreeMap<(Limited, String, u64), u32>>,
    pub uses: Cell<Uses>,
    /// What happens while the next value is on its way into the directory.
    pub meanwhile: RefCell<Option<Box<dyn FnOnce()>>>,
    /// What happens while the next new connection is on its way to its object.
    pub before_store: RefCell<Option<Box<dyn FnOnce()>>>,
}

impl InMemory {
    fn used(&self, count: impl Fn(&mut Uses)) {
        let mut uses = self.uses.get();
        count(&mut uses);
        self.uses.set(uses);
    }

    fn directory(&self) -> Result<(), Unavailable> {
        self.used(|uses| uses.directory += 1);
        if self.directory_down.get() { Err(Unavailable) } else { Ok(()) }
    }

    fn ledger(&self, down: bool) -> Result<(), Unavailable> {
        self.used(|uses| uses.ledger += 1);
        if down || self.ledger_down.get() { Err(Unavailable) } else { Ok(()) }
    }
}

impl Clock for InMemory {
    fn now(&self) -> Timestamp {
        self.began.get().unwrap_or_else(|| self.moment())
    }

    fn moment(&self) -> Timestamp {
        Timestamp(self.now.get())
    }

    fn tick(&self) -> Tick {
        Tick(self.now.get() * 1000)
    }
}

impl Timer for InMemory {
    async fn pause(&self, span: Millis) {
        let until = self.precisely() + u64::from(span.0);
        self.sleepers.borrow_mut().push(until);
        std::future::poll_fn(|_| if self.precisely() < until { Poll::Pending } else { Poll::Ready(()) }).await;
    }
}

impl InMemory {
    fn precisely(&self) -> u64 {
        self.now.get() * 1000 + self.milliseconds.get()
    }

    /// Runs futures at the same time, to their ends. When all of them wait, time passes until the first goes on.
    pub fn together<T>(&self, futures: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
        let mut running: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
        loop {
            for (future, done) in running.iter_mut().filter(|(_, done)| done.is_none()) {
                if let Poll::Ready(value) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
                    *done = Some(value);
                }
            }
            if running.iter().all(|(_, done)| done.is_some()) {
                return running.into_iter().filter_map(|(_, done)| done).collect();
            }
            let next = *self.sleepers.borrow().iter().min().unwrap();
            self.sleepers.borrow_mut().retain(|until| *until > next);
            let next = next.max(self.precisely());
            self.now.set(next / 1000);
            self.milliseconds.set(next % 1000);
        }
    }
}

impl Entropy for InMemory {
    /// `SplitMix64`: as unpredictable as a test wants it, and the same every time.
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            let state = self.seed.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
            self.seed.set(state);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            *byte = (mixed >> 56) as u8;
        }
    }
}

impl Secrets for InMemory {
    fn secret(&self, name: &str) -> Option<Secret> {
        self.secrets.borrow().get(name).map(Secret::new)
    }

    fn secret_names(&self) -> Vec<String> {
        self.secrets.borrow().keys().cloned().collect()
    }
}

impl Outbound for InMemory {
    type Stream = Bytes;

    async fn fetch(&self, request: Outgoing) -> Result<Answer<Bytes>, FetchError> {
        self.used(|uses| uses.fetches += 1);
        let host = self.hosts.borrow().get(&request.url.origin().ascii_serialization()).cloned();
        let answer = host.map_or(Err(FetchError::Unreachable), |host| host(&request));
        let within = request.within;
        self.sent.borrow_mut().push(request);
        let Scripted { status, headers, body, after } = answer?;
        if after > 0 {
            let patience = u32::try_from(within.0 * 1000).unwrap();
            self.pause(Millis(after.min(patience))).await;
            if after > patience {
                return Err(FetchError::TimedOut);
            }
        }
        let is_read = |name: &str| READ_OF_ANSWERS.contains(&name); // the others do not cross
        let headers = headers.into_iter().filter(|(name, _)| is_read(name.as_str())).collect();
        let opening = body.iter().find(|byte| !byte.is_ascii_whitespace()).copied().unwrap_or_default();
        Ok(Answer { status: status.try_into().unwrap(), headers, opening: Some(opening), body: Bytes(body) })
    }

    async fn fetch_unattended(&self, request: Outgoing) -> Result<Answer<Bytes>, FetchError> {
        self.fetch(request).await
    }
}

impl Ledger for InMemory {
    async fn grant(&self, id: &GrantId, command: grant::Command) -> Result<grant::Outcome, Unavailable> {
        self.ledger(self.grants_down.get())?;
        Ok(run(&self.grants, id.as_str(), &command, grant::apply, grant::Record::expires, self.moment()))
    }

    async fn account(&self, subject: &str, command: subject::Command) -> Result<subject::Outcome, Unavailable> {
        self.ledger(self.accounts_down.get())?;
        Ok(run(&self.accounts, subject, &command, subject::apply, subject::Record::expires, self.moment()))
    }

    async fn connection(
        &self,
        key: &ConnectionKey,
        command: connection::Command,
    ) -> Result<connection::Outcome, Unavailable> {
        self.ledger(false)?;
        if matches!(command, connection::Command::Store { .. }) {
            let before_store = self.before_store.take();
            if let Some(happens) = before_store {
                happens();
            }
        }
        let expires = connection::Record::expires;
        Ok(run(&self.connections, key.name(), &command, connection::apply, expires, self.moment()))
    }

    async fn issuer(&self, issuer: &str, command: issuer::Command) -> Result<issuer::Outcome, Unavailable> {
        self.ledger(false)?;
        Ok(run(&self.issuers, issuer, &command, issuer::apply, issuer::Record::expires, self.moment()))
    }

    async fn once(&self, id: &OnceId, until: Timestamp) -> Result<once::Outcome, Unavailable> {
        self.ledger(false)?;
        let command = id.burn(until);
        Ok(run(&self.burned, id.shard(), &command, once::apply, once::Record::expires, self.moment()))
    }
}

type Apply<R, C, O> = fn(Option<R>, C, Timestamp) -> (Option<R>, O);

/// An object as `edge` runs it: records at rest and commands on the way are JSON, and the alarm forgets.
fn run<R: Serialize + DeserializeOwned, C: Serialize + DeserializeOwned, O: Serialize + DeserializeOwned>(
    records: &RefCell<BTreeMap<String, String>>,
    id: &str,
    command: &C,
    apply: Apply<R, C, O>,
    expires: fn(&R) -> Timestamp,
    now: Timestamp,
) -> O {
    let record = records.borrow().get(id).map(|record| json::read::<R>(record.as_bytes()).unwrap());
    let record = record.filter(|record| !expires(record).reached(now));
    let (record, outcome) = apply(record, travelled(command), now);
    match record {
        Some(record) => records.borrow_mut().insert(id.to_owned(), serde_json::to_string(&record).unwrap()),
        None => records.borrow_mut().remove(id),
    };
    travelled(&outcome)
}

pub fn travelled<T: Serialize + DeserializeOwned>(message: &T) -> T {
    json::read(serde_json::to_string(message).unwrap().as_bytes()).unwrap()
}

impl Directory for InMemory {
    async fn get(&self, key: &str) -> Result<Option<String>, Unavailable> {
        self.directory()?;
        assert!(key.len() <= 512, "KV keys have 512 bytes at most");
        if self.slow_directory.get() > 0 {
            self.pause(Millis(self.slow_directory.get())).await;
        }
        let directory = self.directory.borrow();
        let live = directory.get(key).filter(|(_, until)| until.is_none_or(|until| !until.reached(self.moment())));
        Ok(live.map(|(value, _)| value.clone()))
    }

    async fn put(&self, key: &str, value: &str, lifetime: Option<Lifetime>) -> Result<(), Unavailable> {
        self.directory()?;
        self.used(|uses| uses.writes += 1);
        if self.directory_read_only.get() {
            return Err(Unavailable);
        }
        assert!(key.len() <= 512, "KV keys have 512 bytes at most");
        let meanwhile = self.meanwhile.take();
        if let Some(happens) = meanwhile {
            happens();
        }
        let until = lifetime.map(|lifetime| self.moment() + lifetime.max(Lifetime(60)));
        self.directory.borrow_mut().insert(key.to_owned(), (value.to_owned(), until));
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), Unavailable> {
        self.directory()?;
        if self.directory_read_only.get() {
            return Err(Unavailable);
        }
        self.used(|uses| uses.writes += 1);
        self.directory.borrow_mut().remove(key);
        Ok(())
    }
}

impl Limiter for InMemory {
    async fn allow(&self, what: Limited, address: &str) -> Result<bool, Unavailable> {
        self.used(|uses| uses.limiter += 1);
        if self.limiter_down.get() {
            return Err(Unavailable);
        }
        if !matches!(what, Limited::Registration | Limited::EnteredValue) {
            let mut attempts = self.attempts.borrow_mut();
            let count = attempts.entry((what, address.to_owned(), self.now.get() / 60)).or_default();
            *count += 1;
            let most = if let Limited::Configured(rate) = what { rate.get() } else { 10 };
            return Ok(*count <= u32::from(most));
        }
        let left = self.registrations_left.get();
        self.registrations_left.set(left.saturating_sub(1));
        Ok(left > 0)
    }
}

impl Meter for InMemory {
    async fn meter(&self, shard: &str, command: command::Command) -> Result<command::Outcome, Unavailable> {
        self.used(|uses| uses.metered += 1);
        self.shards.meter(shard, travelled(&command), self.moment()).map(|outcome| travelled(&outcome))
    }

    fn observe(&self, sample: &Sample<'_>) {
        self.shards.observe(sample);
    }
}

impl Journal for InMemory {
    fn record(&self, line: &str) {
        self.journal.borrow_mut().push(line.to_owned());
    }
}
