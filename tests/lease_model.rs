//! Every interleaving of a few workers that refresh one connection, over the record that production runs: answers get
//! lost, workers die or report late, time passes, a person disconnects, and upstreams rotate in every way there is.
//!
//! A worker does here what `flow::connection` does, one step at a time. Between any two steps of one, every other may
//! take any of its own. Not here: the messages' JSON, and the real flow (`tests/journeys`).

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on stops")]
#![allow(unreachable_pub, reason = "what the tests of one binary share")]

#[path = "lease_model/upstream.rs"]
mod upstream;

use std::collections::BTreeSet;

use mcp_edge_gateway::time::{Lifetime, Timestamp};
use mcp_edge_gateway::upstream::connection::{Command, Death, Outcome, Reason, Record, apply};
use mcp_edge_gateway::upstream::lease::LEASE;
use upstream::{Kind, Token, Upstream};

/// How long a worker waits for the upstream, less than a lease.
const DEADLINE: Lifetime = Lifetime(20);
/// How often one worker tries before it gives up.
const MOST_ATTEMPTS: u8 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// Its token is not good any more: it asks for a lease.
    Asks,
    /// It has sent a refresh, which the upstream has not seen.
    Sent { generation: u64, token: Token, at: Timestamp },
    /// The upstream has answered; the answer is on its way.
    Answered { generation: u64, answer: Option<Token>, at: Timestamp },
    /// It has new tokens and must store them.
    HasTokens { generation: u64, token: Token },
    /// It has heard that the grant is dead.
    HasDeath { generation: u64 },
    /// It has heard nothing in time.
    HasNothing { generation: u64 },
    /// It has a credential to call with.
    Ready,
    /// It tells its person to connect again.
    Reconsents,
    /// It asks its client to come back later.
    GaveUp,
    /// It is no more.
    Crashed,
}

impl Step {
    fn is_over(self) -> bool {
        matches!(self, Self::Ready | Self::Reconsents | Self::GaveUp | Self::Crashed)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Worker {
    step: Step,
    /// The generation whose token is not good any more.
    seen: u64,
    attempt: u8,
}

#[derive(Debug, Clone)]
struct State {
    record: Option<Record>,
    now: Timestamp,
    upstream: Upstream,
    workers: Vec<Worker>,
    /// Refreshes nobody waits for any more, which the upstream may see yet.
    adrift: Tokens,
    /// Tokens that a worker lived to report.
    reported: Tokens,
    /// What the person may still do, and what they told the gateway last.
    person: Vec<Person>,
    last: Option<Person>,
    /// How often time may still pass, and workers die.
    advances: u8,
    crashes: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Person {
    Disconnects,
    Reconnects,
    /// At the upstream, without telling the gateway.
    Revokes,
}

type Tokens = BTreeSet<Token>;
type Key = (String, Timestamp, Upstream, Vec<Worker>, Tokens, Tokens, (Vec<Person>, Option<Person>), (u8, u8));

impl State {
    fn connected(kind: Kind, seen: &[u64], person: &[Person], advances: u8, crashes: u8) -> Self {
        let upstream = Upstream { kind, grants: vec![(0, false), (0, false)] };
        let store = Command::Store { sealed: Token { grant: 0, number: 0 }.sealed() };
        let (record, _) = apply(None, store, Timestamp(1_000));
        Self {
            record,
            now: Timestamp(1_000),
            upstream,
            workers: seen.iter().map(|seen| Worker { step: Step::Asks, seen: *seen, attempt: 0 }).collect(),
            adrift: BTreeSet::new(),
            reported: BTreeSet::new(),
            person: person.to_vec(),
            last: None,
            advances,
            crashes,
        }
    }

    fn key(&self) -> Key {
        let record = serde_json::to_string(&self.record).unwrap();
        let mut workers = self.workers.clone();
        // Who holds a lease stands in the record by number, so workers cannot be swapped; what is over can no longer
        // matter.
        for worker in workers.iter_mut().filter(|worker| worker.step.is_over()) {
            worker.attempt = 0;
        }
        let (adrift, reported, person) = (self.adrift.clone(), self.reported.clone(), (self.person.clone(), self.last));
        (record, self.now, self.upstream.clone(), workers, adrift, reported, person, (self.advances, self.crashes))
    }

    fn tell(&mut self, command: Command) -> Outcome {
        let (record, outcome) = apply(self.record.take(), command, self.now);
        self.record = record;
        outcome
    }

    fn stored(&self) -> Outcome {
        apply(self.record.clone(), Command::Read, self.now).1
    }

    /// Every state that can come next.
    fn successors(&self) -> Vec<Self> {
        let mut next = Vec::new();
        for index in 0..self.workers.len() {
            self.worker_steps(index, &mut next);
        }
        for token in &self.adrift {
            let mut late = self.clone();
            late.adrift.remove(token);
            late.upstream.refresh(*token);
            next.push(late);
        }
        for person in &self.person {
            let mut done = self.clone();
            done.person.retain(|other| other != person);
            match person {
                Person::Disconnects => drop(done.tell(Command::Drop)),
                Person::Reconnects => {
                    done.tell(Command::Store { sealed: Token { grant: 1, number: 0 }.sealed() });
                }
                Person::Revokes => done.upstream.grants[0].1 = true,
            }
            done.last = Some(*person).filter(|person| *person != Person::Revokes).or(self.last);
            next.push(done);
        }
        if self.advances > 0 {
            next.push(self.later());
        }
        next
    }

    /// Long enough for a lease to end. Nobody waits for an upstream that long.
    fn later(&self) -> Self {
        let mut later = self.clone();
        later.advances -= 1;
        later.now = later.now + LEASE;
        for worker in &mut later.workers {
            match worker.step {
                Step::Sent { generation, token, at } => {
                    assert!((at + DEADLINE).reached(later.now));
                    later.adrift.insert(token);
                    worker.step = Step::HasNothing { generation };
                }
                Step::Answered { generation, .. } => worker.step = Step::HasNothing { generation },
                _ => {}
            }
        }
        later
    }

    fn worker_steps(&self, index: usize, next: &mut Vec<Self>) {
        let worker = self.workers[index];
        if worker.step.is_over() {
            return;
        }
        if self.crashes > 0 {
            let mut crashed = self.clone();
            crashed.crashes -= 1;
            crashed.workers[index].step = Step::Crashed;
            if let Step::Sent { token, .. } = worker.step {
                crashed.adrift.insert(token);
            }
            next.push(crashed);
        }
        if let Step::Sent { generation, token, at } = worker.step {
            let mut seen = self.clone();
            let answer = seen.upstream.refresh(token);
            seen.workers[index].step = Step::Answered { generation, answer, at };
            next.push(seen);
            let mut lost = self.clone();
            lost.adrift.insert(token);
            lost.workers[index].step = Step::HasNothing { generation };
            next.push(lost);
            return;
        }
        if let Step::Answered { generation, .. } = worker.step {
            let mut lost = self.clone();
            lost.workers[index].step = Step::HasNothing { generation };
            next.push(lost);
        } else {
            // The object obeyed, and its answer got lost: the worker says the same once more.
            let mut unheard = self.clone();
            unheard.act(index);
            unheard.workers[index] = worker;
            next.push(unheard);
        }
        let mut done = self.clone();
        done.act(index);
        next.push(done);
    }

    /// One step of a worker whose answers arrive.
    fn act(&mut self, index: usize) {
        let Worker { step, seen, attempt } = self.workers[index];
        let holder = format!("{index}/{attempt}");
        self.workers[index].step = match step {
            Step::Asks => match self.tell(Command::Lease { seen, holder, from_nothing: false }) {
                Outcome::Leased { generation, sealed } => {
                    Step::Sent { generation, token: Token::open(&sealed.unwrap()), at: self.now }
                }
                Outcome::Wait { .. } | Outcome::BackingOff { .. } => Step::Asks,
                outcome => told(&outcome),
            },
            Step::Sent { generation, token, at } => {
                Step::Answered { generation, answer: self.upstream.refresh(token), at }
            }
            Step::Answered { generation, answer: Some(token), .. } => Step::HasTokens { generation, token },
            Step::Answered { generation, answer: None, .. } => Step::HasDeath { generation },
            Step::HasTokens { generation, token } => {
                self.reported.insert(token);
                told(&self.tell(Command::Finish { generation, sealed: token.sealed() }))
            }
            Step::HasDeath { generation } => {
                let why = Reason::Dead { death: Death::Revoked };
                match self.tell(Command::Fail { holder, generation, why }) {
                    Outcome::Wait { .. } => self.again(index),
                    outcome => told(&outcome),
                }
            }
            Step::HasNothing { generation } => {
                let why = Reason::Temporary { retry_at: None };
                match self.tell(Command::Fail { holder, generation, why }) {
                    Outcome::Wait { .. } | Outcome::BackingOff { .. } => self.again(index),
                    Outcome::Live { generation: there, .. } if there == generation => self.again(index),
                    outcome => told(&outcome),
                }
            }
            over => over,
        };
    }

    fn again(&mut self, index: usize) -> Step {
        self.workers[index].attempt += 1;
        if self.workers[index].attempt < MOST_ATTEMPTS { Step::Asks } else { Step::GaveUp }
    }
}

fn told(outcome: &Outcome) -> Step {
    match outcome {
        Outcome::Live { .. } | Outcome::Stored { .. } => Step::Ready,
        Outcome::Dead { .. } | Outcome::Absent => Step::Reconsents,
        outcome => panic!("nobody asked for {outcome:?}"),
    }
}

/// Visits every reachable state and judges each.
fn explore(start: State) -> usize {
    let kind = start.upstream.kind;
    let mut visited = BTreeSet::from([start.key()]);
    let mut alone = BTreeSet::new();
    let mut open = vec![start];
    let (mut ready, mut dead) = (false, false);
    while let Some(state) = open.pop() {
        assert!(visited.len() < 100_000, "{kind:?}: it never ends: {state:#?}");
        judge(&state);
        if alone.insert((serde_json::to_string(&state.record).unwrap(), state.now, state.upstream.clone())) {
            a_fresh_worker_comes_to_an_end(&state);
        }
        ready |= state.workers.iter().any(|worker| worker.step == Step::Ready);
        dead |= state.workers.iter().any(|worker| worker.step == Step::Reconsents);
        open.extend(state.successors().into_iter().filter(|next| visited.insert(next.key())));
    }
    assert!(ready, "{kind:?}: nobody ever got a credential");
    assert!(dead || kind == Kind::Keeps, "{kind:?}: nothing ever died");
    visited.len()
}

fn judge(state: &State) {
    // 1. Never do two who are alive wait for the upstream with the same token. (A late report can begin the next
    //    generation while the one who took over still waits, with a token that the reporter has spent before.)
    let generation = |worker: &Worker| match worker.step {
        Step::Sent { generation, .. } | Step::Answered { generation, .. } => Some(generation),
        _ => None,
    };
    let asking: Vec<_> = state.workers.iter().filter_map(generation).collect();
    let distinct: BTreeSet<_> = asking.iter().collect();
    assert_eq!(asking.len(), distinct.len(), "two refresh at once: {state:#?}");

    // 2. A person who disconnected or connected anew is never overruled.
    let stored = state.stored();
    match state.last {
        Some(Person::Disconnects) => assert_eq!(stored, Outcome::Absent, "what was disconnected came back: {state:#?}"),
        Some(Person::Reconnects) => match &stored {
            Outcome::Live { sealed, .. } | Outcome::Dead { sealed: Some(sealed), .. } => {
                assert_eq!(Token::open(sealed).grant, 1, "the tokens before came back: {state:#?}");
            }
            stored => panic!("{stored:?}: {state:#?}"),
        },
        _ => {}
    }

    // 3. When all is said, what the upstream would take and a worker lived to report is what is stored; it is dead only
    //    where the upstream killed it, or the one good token reached nobody who lived.
    if state.workers.iter().all(|worker| worker.step.is_over()) {
        let kept = match &stored {
            Outcome::Live { sealed, .. } => state.upstream.takes(Token::open(sealed)),
            _ => false,
        };
        let grant = u8::from(state.last == Some(Person::Reconnects));
        let good = state.reported.iter().any(|token| token.grant == grant && state.upstream.takes(*token));
        if good && state.last != Some(Person::Disconnects) {
            assert!(kept, "a good token was lost: {state:#?}");
        }
        if matches!(stored, Outcome::Dead { .. }) && !state.upstream.is_killed(grant) {
            assert!(!good && state.upstream.kind != Kind::Keeps, "it is not dead: {state:#?}");
        }
    }
}

/// Whatever happened before, and if nobody else ever does anything again.
fn a_fresh_worker_comes_to_an_end(state: &State) {
    let mut state = State { advances: 20, ..state.clone() };
    let (seen, holds) = match state.stored() {
        Outcome::Live { generation, sealed } => (generation, state.upstream.takes(Token::open(&sealed))),
        _ => (0, false),
    };
    // An attempt of its own number, so that it is nobody's holder.
    state.workers = vec![Worker { step: Step::Asks, seen, attempt: u8::MAX - MOST_ATTEMPTS }];
    for _ in 0..10 {
        let before = state.workers[0].step;
        state.act(0);
        match state.workers[0].step {
            Step::Ready | Step::Reconsents => {
                assert!(!holds || state.workers[0].step == Step::Ready, "a good connection ends: {state:#?}");
                return;
            }
            Step::Asks if before == Step::Asks => state = state.later(),
            _ => {}
        }
    }
    panic!("a fresh worker never comes to an end: {state:#?}");
}

const KINDS: [Kind; 4] = [Kind::Keeps, Kind::Rotates, Kind::Strict, Kind::Grace];

#[test]
fn no_interleaving_of_two_workers_loses_a_connection() {
    for kind in KINDS {
        let states = explore(State::connected(kind, &[1, 1], &[Person::Revokes], 3, 2));
        assert!(states > 1_000, "{kind:?}: only {states}");
    }
}

#[test]
fn no_interleaving_of_three_workers_and_two_generations_loses_a_connection() {
    for kind in KINDS {
        let states = explore(State::connected(kind, &[1, 1, 2], &[], 2, 1));
        assert!(states > 5_000, "{kind:?}: only {states}");
    }
}

#[test]
fn no_refresh_overrules_a_person_who_disconnects_or_connects_anew() {
    for kind in KINDS {
        let states = explore(State::connected(kind, &[1, 2], &[Person::Disconnects, Person::Reconnects], 2, 1));
        assert!(states > 1_000, "{kind:?}: only {states}");
    }
}
