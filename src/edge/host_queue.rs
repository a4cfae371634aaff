//! What a flow asks of JavaScript: to fetch, to read a body, to let go of one. It writes the errand down and goes on
//! when it is done.
//!
//! A promise that Rust awaits costs a dozen crossings and two closures; an errand costs one crossing, as the fetch
//! handler polls the flow itself (`call`). Measured with a `tools/call` of 1 KB: 58 crossings before, 9 now. Not here:
//! KV and objects, which are awaited as promises; and how an errand is written (`wire`).

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::mem;
use std::rc::Rc;
use std::task::{Poll, Waker};

use crate::ports::{Answer, FetchError, Outgoing, ReadError, Stream};
use crate::time::Lifetime;
use crate::wire::HostOp;

/// An errand that is done.
pub enum Done {
    Fetched(Result<Answer<u32>, FetchError>),
    Read(Result<Vec<u8>, ReadError>),
    Discarded,
}

/// Where one request's errands lie, one at a time.
#[derive(Default)]
pub struct HostQueue {
    slot: RefCell<Slot>,
    /// A second one that waits for the first.
    queue: RefCell<Option<Waker>>,
    /// The clock, where it was read since the flow went on: it stands still meanwhile, and to read it is a crossing.
    clock: Cell<Option<f64>>,
}

#[derive(Default)]
enum Slot {
    #[default]
    Free,
    Asked(HostOp),
    Away,
    Back(Done),
}

impl HostQueue {
    /// Has an errand done. Whoever asks waits until it is: nobody else would take the answer away.
    async fn run(&self, op: HostOp) -> Done {
        let mut op = Some(op);
        poll_fn(|context| {
            let mut slot = self.slot.borrow_mut();
            match (mem::take(&mut *slot), op.take()) {
                (Slot::Free, Some(op)) => *slot = Slot::Asked(op),
                (Slot::Back(done), None) => {
                    if let Some(next) = self.queue.take() {
                        next.wake();
                    }
                    return Poll::Ready(done);
                }
                (other, waits) => {
                    *slot = other;
                    if waits.is_some() {
                        self.queue.replace(Some(context.waker().clone()));
                    }
                    op = waits;
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Sends a request and waits for its answer; one that is attended only as long as the client does.
    pub async fn fetch(self: &Rc<Self>, request: Outgoing, attended: bool) -> Result<Answer<JsStream>, FetchError> {
        let done = self.run(HostOp::Fetch { request: Box::new(request), attended }).await;
        let Done::Fetched(answer) = done else { return Err(FetchError::Unreachable) };
        let Answer { status, headers, opening, body } = answer?;
        Ok(Answer { status, headers, opening, body: JsStream { queue: Rc::clone(self), body } })
    }

    /// The flow goes on, and so does the clock.
    pub fn go_on(&self) {
        self.clock.set(None);
    }

    /// Milliseconds since the epoch.
    pub fn clock(&self) -> f64 {
        self.clock.get().unwrap_or_else(|| {
            let now = js_sys::Date::now();
            self.clock.set(Some(now));
            now
        })
    }

    /// The errand to do now, if there is one.
    pub fn take(&self) -> Option<HostOp> {
        let mut slot = self.slot.borrow_mut();
        match mem::replace(&mut *slot, Slot::Away) {
            Slot::Asked(op) => Some(op),
            other => {
                *slot = other;
                None
            }
        }
    }

    /// Lays down what came of the errand.
    pub fn give(&self, done: Done) {
        self.slot.replace(Slot::Back(done));
    }
}

/// A body that stays on the JavaScript side until somebody reads it, if anybody does: its number there.
pub struct JsStream {
    queue: Rc<HostQueue>,
    body: u32,
}

impl JsStream {
    /// The body of the request itself.
    pub fn of_request(queue: Rc<HostQueue>) -> Self {
        Self { queue, body: 0 }
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.body
    }
}

impl Stream for JsStream {
    async fn read(self, limit: usize, within: Lifetime) -> Result<Vec<u8>, ReadError> {
        match self.queue.run(HostOp::Read { body: self.body, limit, within }).await {
            Done::Read(read) => read,
            Done::Fetched(_) | Done::Discarded => Err(ReadError::Broken),
        }
    }

    async fn discard(self) {
        self.queue.run(HostOp::Discard { body: self.body }).await;
    }
}
