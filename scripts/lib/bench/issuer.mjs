// The authorization server of the benchmark's upstream: it allows everything at once, on bare http, so that it takes as little as it can.
//
// `/authorize` and `/token` give tokens for an hour, `/short/token` for a few seconds. Not here: checking anything; that a real
// authorization server is understood is proven elsewhere.
import http from "node:http";

/** Seconds that a token of `/short/token` lives. */
export const SHORT = 2;

/** `refreshed` is told of every refresh. */
export const startIssuer = (refreshed) =>
  http.createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://issuer");
    if (pathname === "/authorize") {
      const back = new URL(searchParams.get("redirect_uri"));
      back.searchParams.set("code", "code");
      back.searchParams.set("state", searchParams.get("state"));
      return response.writeHead(302, { location: String(back) }).end();
    }
    let form = "";
    for await (const part of request) form += part;
    if (new URLSearchParams(form).get("grant_type") === "refresh_token") refreshed();
    const lifetime = pathname === "/short/token" ? SHORT : 3600;
    const tokens = { access_token: crypto.randomUUID(), token_type: "Bearer", expires_in: lifetime, refresh_token: crypto.randomUUID() };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(tokens));
  });
