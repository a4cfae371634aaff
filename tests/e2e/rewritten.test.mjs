// A body on its way through Rust, with something simpler in its place: takes lines, hands on those without an x, and is over at a dot.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { rewritten } from "../../src/edge/rewritten.js";

class Lines {
  held = "";
  over = false;

  push(bytes) {
    const lines = (this.held + new TextDecoder().decode(bytes)).split("\n");
    this.held = lines.pop();
    const dot = lines.indexOf(".");
    if (dot >= 0) this.over = true;
    return this.#written(dot >= 0 ? lines.slice(0, dot) : lines);
  }

  end() {
    this.over = true;
    return this.#written([`${this.held} (end)`]);
  }

  is_over() {
    return this.over;
  }

  #written(lines) {
    return new TextEncoder().encode(lines.filter((line) => !line.includes("x")).join("\n"));
  }
}

/** A body of these chunks, and what becomes of it. */
function body(chunks, { breaks = false } = {}) {
  const fate = { pulled: 0, cancelled: false };
  const stream = new ReadableStream(
    {
      type: "bytes", // as the runtime's bodies are
      pull(controller) {
        fate.pulled += 1;
        const chunk = chunks.shift();
        if (chunk !== undefined) controller.enqueue(new TextEncoder().encode(chunk));
        else if (breaks) controller.error(new Error("broken off"));
        else {
          controller.close();
          controller.byobRequest?.respond(0);
        }
      },
      cancel() {
        fate.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, fate };
}

function through(stream, withRust) {
  const rust = new Lines();
  return rewritten(stream, withRust ?? ((operation) => operation(rust)));
}

async function chunksOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(new TextDecoder().decode(chunk));
  return chunks;
}

describe("a body that is rewritten", () => {
  test("comes as its chunks come, without empty ones, and ends with what was held back", async () => {
    const { stream } = body(["a\nb", "\nx\n", "x\n", "c\nd"]);
    assert.deepEqual(await chunksOf(through(stream)), ["a", "b", "c", "d (end)"]);
  });

  test("is over when Rust says so, and nobody reads on", async () => {
    const { stream, fate } = body(["a\n", "b\n.\nc\n", "d\n", "e\n", "f\n"]);
    assert.deepEqual(await chunksOf(through(stream)), ["a", "b"]);
    assert.ok(fate.cancelled);
  });

  test("that breaks off is ended by Rust", async () => {
    const { stream } = body(["a\nb"], { breaks: true });
    assert.deepEqual(await chunksOf(through(stream)), ["a", "b (end)"]);
  });

  test("breaks off when Rust is gone, instead of going on unread", async () => {
    const { stream } = body(["a\n", "b\n"]);
    const gone = () => {
      throw new Error("the instance trapped");
    };
    await assert.rejects(chunksOf(through(stream, gone)), /trapped/);
  });

  test("is read no faster than it is taken, and let go of with its client", async () => {
    const { stream, fate } = body(["a\n", "b\n", "c\n", "d\n"]);
    const reader = through(stream).getReader();
    await reader.read();
    assert.ok(fate.pulled <= 2, `${fate.pulled} chunks were read for one`);
    await reader.cancel();
    assert.ok(fate.cancelled);
  });
});
