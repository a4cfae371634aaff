// A body on its way through Rust, chunk by chunk, as fast as the client takes it.
//
// Not here: what becomes of the bytes.

// As much as is there is read, up to this: the runtime hands on a body in pieces of some KB, and each reading costs as much as that.
const AT_ONCE = 128 * 1024;

/**
 * The bytes of `stream` as Rust rewrites them. `withRust` calls an operation with what does that, and throws when the
 * instance is gone, which breaks the body off: it never goes on unread. `through` is called when all of it has passed.
 */
export function rewritten(stream, withRust, through = () => {}) {
  const reader = stream.getReader({ mode: "byob" });
  let buffer = new ArrayBuffer(AT_ONCE);
  return new ReadableStream({
    async pull(controller) {
      for (let bytes = [], over = false; bytes.length === 0 && !over; ) {
        // One that breaks off ends here: what was complete of it has gone through, and the rest says that it cannot be
        // read.
        const { value, done } = await reader.read(new Uint8Array(buffer)).catch(() => ({ done: true }));
        bytes = withRust((rust) => (done ? rust.end() : rust.push(value)));
        over = withRust((rust) => rust.is_over());
        if (value) buffer = value.buffer;
        if (bytes.length > 0) controller.enqueue(bytes);
        if (!over) continue;
        controller.close();
        reader.cancel().catch(() => {});
        through();
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
