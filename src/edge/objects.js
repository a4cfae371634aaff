// The Durable Objects that hold one record each: they read it, have Rust turn it, write it, and forget it by alarm.
//
// Reading, turning and writing is atomic because nothing but storage is awaited in between, and the runtime delivers no other event to the
// object meanwhile. Not here: what a command means, which Rust decides (`objects.rs`); objects of many rows (`log.rs`, `shard_object.rs`).

import { alive, enter } from "./instance.js";

const RECORD = "record";

/** A class of objects that hold a record of this name. */
export const recorded = (name) =>
  class {
    #storage;
    #rings; // when its alarm does, once that is known: milliseconds since the epoch, or null

    constructor({ storage }) {
      this.#storage = storage;
    }

    async fetch(request) {
      const command = await request.text();
      const before = await this.#record();
      const now = Date.now();
      const turned = enter(alive(), (rust) => rust.turn(name, before ?? "", command, now));
      const [outcome, expires, after] = turned.split("\n"); // JSON has no line ends of its own
      if (after === undefined) {
        if (before !== undefined) await this.#forget();
      } else if (after !== before) {
        await this.#storage.put(RECORD, after);
        await this.#ringBy(Number(expires), now);
      }
      return new Response(outcome);
    }

    async alarm() {
      this.#rings = null;
      const record = await this.#record();
      const now = Date.now();
      const expires = record === undefined ? now : enter(alive(), (rust) => rust.expires(name, record, now));
      if (expires > now) await this.#ringBy(expires, now);
      else await this.#forget();
    }

    /** The record as it is at rest. One that cannot be read is not taken for none. */
    async #record() {
      const record = await this.#storage.get(RECORD);
      if (record !== undefined && typeof record !== "string") throw new TypeError("a record that is no text");
      return record;
    }

    async #forget() {
      await this.#storage.deleteAll();
      this.#rings = undefined;
    }

    /** An alarm that rings too soon sets itself anew. To set it again costs more than all else of a command, so one that is early stays. */
    async #ringBy(moment, now) {
      if (this.#rings === undefined) this.#rings = await this.#storage.getAlarm();
      if (this.#rings !== null && this.#rings > now && this.#rings <= moment) return;
      await this.#storage.setAlarm(moment);
      this.#rings = moment;
    }
  };
