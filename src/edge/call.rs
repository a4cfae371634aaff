//! The requests under way: each flow is polled here, by the fetch handler itself, until it has an answer or a host
//! operation.
//!
//! Not here: what a flow does, and who does its operations (`call.js`).

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use js_sys::Function;
use wasm_bindgen::JsValue;

use super::aside;
use super::host_queue::{Done, HostQueue};
use crate::time::Timestamp;
use crate::waiting::Waiting;
use crate::wire;

thread_local! {
    static WAITING: RefCell<Waiting<Call>> = RefCell::default();
    static WAKE: RefCell<Function> = RefCell::default();
}

struct Call {
    flow: Pin<Box<dyn Future<Output = String>>>,
    queue: Rc<HostQueue>,
    waker: Arc<CallWaker>,
}

/// Rung by promises that a flow awaits.
struct CallWaker {
    call: u32,
    polled: AtomicBool,
    rung: AtomicBool,
}

impl Wake for CallWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.polled.load(Ordering::Relaxed) {
            self.rung.store(true, Ordering::Relaxed);
        } else {
            // Whoever was called cannot fail: it settles a promise.
            drop(WAKE.with_borrow(|wake| wake.call1(&JsValue::UNDEFINED, &self.call.into())));
        }
    }
}

/// Names the function that is told the number of a call to go on with.
pub fn attend(wake: Function) {
    WAKE.set(wake);
}

/// Begins a flow under a number of its own; answers what it comes to or what it waits for, as JavaScript reads it.
pub fn begin<F: Future<Output = String> + 'static>(
    call: u32,
    now: Timestamp,
    flow: impl FnOnce(Rc<HostQueue>) -> F,
) -> String {
    drop(WAITING.with_borrow_mut(|waiting| waiting.given_up(now)));
    let queue = Rc::<HostQueue>::default();
    let waker = CallWaker { call, polled: AtomicBool::new(false), rung: AtomicBool::new(false) };
    Call { flow: Box::pin(flow(Rc::clone(&queue))), queue, waker: Arc::new(waker) }.advance(now)
}

/// Goes on with a request. The answer to a number that nobody waits with is empty.
pub fn resume(call: u32, done: Option<Done>) -> String {
    let Some((call, began)) = WAITING.with_borrow_mut(|waiting| waiting.take(call)) else { return String::new() };
    if let Some(done) = done {
        call.queue.give(done);
    }
    call.advance(began)
}

impl Call {
    fn advance(mut self, began: Timestamp) -> String {
        let number = self.waker.call;
        let waker = Waker::from(Arc::clone(&self.waker));
        let mut context = Context::from_waker(&waker);
        self.waker.polled.store(true, Ordering::Relaxed);
        self.queue.go_on();
        let text = loop {
            self.waker.rung.store(false, Ordering::Relaxed);
            if let Poll::Ready(outcome) = self.flow.as_mut().poll(&mut context) {
                return outcome;
            }
            if let Some(op) = self.queue.take() {
                break aside::keep(number, wire::op(op));
            }
            if !self.waker.rung.load(Ordering::Relaxed) {
                break wire::wait();
            }
        };
        self.waker.polled.store(false, Ordering::Relaxed);
        WAITING.with_borrow_mut(|waiting| waiting.put(number, self, began));
        text
    }
}
