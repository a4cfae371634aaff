// What would be dozens of crossings between JavaScript and wasm, done in one each: headers are packed into one string of
// alternating names and values, and a body is read, or a request sent, on this side with its bound.
//
// Not here: decisions. Every function does one thing the Fetch API already does.

export function packHeaders(headers) {
  let packed = "";
  for (const [name, value] of headers) packed += `${name}\n${value}\n`;
  return packed;
}

function unpackHeaders(packed) {
  const headers = new Headers();
  const parts = packed.split("\n");
  for (let i = 0; i + 1 < parts.length; i += 2) headers.append(parts[i], parts[i + 1]);
  return headers;
}

export function respond(status, headers, body) {
  return new Response(body ?? null, { status, headers: unpackHeaders(headers) });
}

// An answer up to this size is waited for on this side: should it stall, break off or be garbage, the client can still be told.
const SMALL = 16 * 1024;
const WHITE_SPACE = [0x20, 0x09, 0x0a, 0x0d]; // RFC 8259 §2
const openings = new WeakMap();

async function whole(response, timer) {
  const bytes = new Uint8Array(await response.arrayBuffer());
  clearTimeout(timer);
  const answer = new Response(bytes, { headers: response.headers });
  openings.set(answer, bytes.find((byte) => !WHITE_SPACE.includes(byte)) ?? 0);
  return answer;
}

// What an answer that was waited for begins with, 0 for nothing; undefined for any other.
export function opening(response) {
  return openings.get(response);
}

// A Response, or the reason there is none. The time is for the whole answer; a stream of events only has to begin in it.
export async function send(method, url, headers, body, milliseconds, client) {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), milliseconds);
  const signal = AbortSignal.any([deadline.signal, client]);
  try {
    const response = await fetch(url, { method, headers: unpackHeaders(headers), body: body ?? null, redirect: "manual", signal });
    if (response.status !== 200 || response.body === null) return response; // nothing of it is handed on unread
    if (/^text\/event-stream\b/i.test(response.headers.get("content-type"))) {
      clearTimeout(timer);
      return response;
    }
    if (Number(response.headers.get("content-length") ?? NaN) <= SMALL) return await whole(response, timer);
    // The runtime forgets signals and timers of a body that it hands on by itself, and would wait for its end for ever.
    const { readable, writable } = new IdentityTransformStream();
    response.body.pipeTo(writable, { signal }).catch(() => {}).finally(() => clearTimeout(timer));
    return new Response(readable, { headers: response.headers });
  } catch {
    clearTimeout(timer);
    if (client.aborted) return "client_gone";
    return deadline.signal.aborted ? "timed_out" : "unreachable";
  }
}

// A Uint8Array, or the reason there is none.
export async function readAll(body, limit, milliseconds) {
  const reader = body.getReader();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    reader.cancel().catch(() => {});
  }, milliseconds);
  const chunks = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (late) return "broken";
      if (done) break;
      length += value.byteLength;
      if (length > limit) {
        reader.cancel().catch(() => {});
        return "too_large";
      }
      chunks.push(value);
    }
  } catch {
    return "broken";
  } finally {
    clearTimeout(timer);
  }
  if (chunks.length === 1) return chunks[0];
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
