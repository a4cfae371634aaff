// The instance of Rust that is alive, and what happens when it traps.
//
// Rust is built with panic=abort, so a panic traps and leaves the instance's memory in an unknown state. Every call then
// inside that instance is answered with a 500, and the next one meets a new instance.
//
// Not here: what is called in it.

import module from "./index_bg.wasm";
import * as rust from "./index.js";
import { begins, forget } from "./ready.js";

let instance = 0; // which one is alive; a Rust object belongs to the instance that made it
let lastTrap;
let readOfAnswers; // names of headers
const waking = new Map(); // what wakes each call that waits for a promise, by its number
const waiting = new Set(); // what ends each call of a Durable Object

rust.initSync({ module });
start();

/** `trapped` is when the instance before did. */
function start(trapped) {
  const [deciding, excluding, read] = rust.start((call) => waking.get(call)?.(), forget, trapped).split("\n").map((line) => line.split(" "));
  begins(deciding, excluding);
  readOfAnswers = read;
}

/** The headers of an answer that Rust reads. To ask for each by its name costs a third of walking through all. */
export function packed(headers) {
  let text = "";
  for (const name of readOfAnswers) {
    const value = headers.get(name);
    if (value !== null) text += `${name}\n${value}\n`;
  }
  return text;
}

// A trap in a continuation surfaces here, not in the promise its call is waiting for, which would never settle.
addEventListener("error", (event) => startAfresh(event.error));
addEventListener("unhandledrejection", (event) => startAfresh(event.reason));

function startAfresh(error) {
  const trapped = error instanceof WebAssembly.RuntimeError || error instanceof RangeError; // RangeError: the stack ran out
  if (!trapped || error === lastTrap) return;
  lastTrap = error;
  console.error(JSON.stringify({ event: "gateway_panicked", calls: waiting.size + waking.size, error: String(error.stack) }));
  rust.__wbg_reset_state();
  instance += 1;
  start(Date.now());
  for (const wake of waking.values()) wake();
  for (const end of waiting) end(error);
  waiting.clear();
}

/** Which instance is alive. */
export const alive = () => instance;

/** Calls into Rust. Throws when that traps, and when `born`, the instance the call belongs to, is no longer alive. */
export function enter(born, operation) {
  if (born !== instance) throw new Error("the instance trapped");
  try {
    return operation(rust);
  } catch (error) {
    startAfresh(error);
    throw error;
  }
}

/** Until a promise that the call is waiting for is settled, or the instance is no more. */
export function woken(call) {
  return new Promise((resolve) => {
    waking.set(call, () => {
      waking.delete(call);
      resolve();
    });
  });
}

/** What a promise of Rust's settles to; rejects when the instance traps before. */
export function settled(operation) {
  return new Promise((resolve, reject) => {
    waiting.add(reject);
    const finish = (settle) => (value) => {
      waiting.delete(reject);
      settle(value);
    };
    try {
      enter(instance, operation).then(finish(resolve), finish(reject));
    } catch (error) {
      finish(reject)(error);
    }
  });
}
