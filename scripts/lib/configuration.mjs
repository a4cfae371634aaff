// Sends a configuration to a running gateway and says what became of it in words.

/** PUT /admin/config: `{ version }`, or `{ problem }` as text to show. */
export async function sendConfiguration(gateway, text, adminToken) {
  let response;
  let body;
  try {
    response = await fetch(`${gateway}/admin/config`, {
      method: "PUT",
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
      body: text,
      redirect: "manual",
    });
    body = await response.text();
  } catch (error) {
    return { problem: `${gateway} cannot be reached: ${error.cause?.message ?? error.message}` };
  }
  const answer = parsed(body);
  if (response.ok && answer?.version !== undefined) return { version: answer.version };
  if (Array.isArray(answer?.errors)) return { problem: answer.errors.map(explain).join("\n") };
  return { problem: `${gateway}/admin/config answered ${response.status}: ${body.slice(0, 500)}` };
}

/** The servers of a configuration the gateway has accepted: slug and URL for clients. */
export function serverUrls(text, gateway) {
  const { public_url, servers = {} } = JSON.parse(text);
  const origin = (public_url ?? gateway).replace(/\/$/, "");
  return Object.entries(servers).map(([slug, server]) => ({ slug, url: origin + (server.path ?? `/v1/mcp/${slug}`) }));
}

/** Names of the secrets a configuration mentions, as far as it is JSON at all. */
export function secretNames(text) {
  const names = new Set();
  JSON.parse(text, (key, value) => {
    if (key === "secret" && typeof value === "string") names.add(value);
    return value;
  });
  return [...names];
}

/** Waits until the gateway answers /healthz; false when it does not in time. */
export async function healthy(gateway, seconds) {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    const answered = await fetch(`${gateway}/healthz`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
    await answered?.body?.cancel();
    if (answered?.ok) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

function explain({ pointer, problem, fix }) {
  return `  ${pointer || "(the whole document)"}: ${problem}${fix ? `\n      fix: ${fix}` : ""}`;
}

function parsed(body) {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
