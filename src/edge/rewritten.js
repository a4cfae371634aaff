// A body on its way through Rust, chunk by chunk, as fast as the client takes it.
//
// Not here: what becomes of the bytes.

/**
 * The bytes of `stream` as Rust rewrites them. `withRust` calls an operation with what does that, and throws when the
 * instance is gone, which breaks the body off: it never goes on unread. `through` is called when all of it has passed.
 */
export function rewritten(stream, withRust, through = () => {}) {
  const reader = stream.getReader();
  return new ReadableStream({
    async pull(controller) {
      for (let bytes = [], over = false; bytes.length === 0 && !over; ) {
        // One that breaks off ends here: what was complete of it has gone through, and the rest says that it cannot be
        // read.
        const { value } = await reader.read().catch(() => ({}));
        bytes = withRust((rust) => (value ? rust.push(value) : rust.end()));
        over = withRust((rust) => rust.is_over());
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
