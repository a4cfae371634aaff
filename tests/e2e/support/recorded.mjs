// Identity providers as they were recorded (tests/recorded), played on this machine: every host of theirs is a folder of one server here.
//
// Not here: providers whose answers a test makes up (idp.mjs).

import { generateKeyPairSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import http from "node:http";

import { SignJWT, exportJWK } from "jose";

import { listen } from "./listen.mjs";

/** Plays the recording of that name. `login` is how a gateway is configured for it, `expects` what comes of it. */
export async function startRecorded(name) {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const handler = {};
  const { origin, stop } = await listen(http.createServer((request, response) => handler.serve(request, response)));
  const text = await readFile(new URL(`../../recorded/${name}.json`, import.meta.url), "utf8");
  const { login, discovery, token, id_token: claims, userinfo, api, expects } = JSON.parse(here(text, origin));
  if (login.kind === "github") login.url = `${origin}/github.com`;
  let nonce;

  handler.serve = async (request, response) => {
    const url = new URL(request.url, origin);
    const place = `${origin}${url.pathname}`;
    const json = (value, status = 200) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    const sendBack = () => {
      nonce = url.searchParams.get("nonce");
      const back = new URL(url.searchParams.get("redirect_uri"));
      for (const [parameter, value] of Object.entries({ code: "a-code", state: url.searchParams.get("state"), iss: discovery?.issuer })) {
        if (value && (parameter !== "iss" || discovery.authorization_response_iss_parameter_supported)) back.searchParams.set(parameter, value);
      }
      response.writeHead(303, { location: String(back) }).end();
    };
    for await (const _ of request);
    switch (place) {
      case `${login.issuer?.replace(/\/$/, "")}/.well-known/openid-configuration`:
        return json(discovery);
      case discovery?.jwks_uri:
        return json({ keys: [{ ...(await exportJWK(publicKey)), kid: "recorded", use: "sig", alg: "RS256" }] });
      case discovery?.authorization_endpoint:
      case `${origin}/github.com/login/oauth/authorize`:
        return sendBack();
      case discovery?.token_endpoint: {
        const now = Math.floor(Date.now() / 1000);
        const signed = new SignJWT({ ...claims, nonce, iat: now, exp: now + 3600 }).setProtectedHeader({ alg: "RS256", kid: "recorded", typ: "JWT" });
        return json({ ...token, id_token: await signed.sign(privateKey) });
      }
      case discovery?.userinfo_endpoint:
        return json(userinfo);
      case `${origin}/github.com/login/oauth/access_token`:
        return json(token);
      default: {
        const answer = api?.[url.pathname.replace("/github.com/api/v3", "")];
        // As GitHub: who does not say who asks is sent away.
        if (answer && !request.headers["user-agent"]) return json({ message: "Request forbidden by administrative rules" }, 403);
        return answer ? json(answer) : json({ error: "not_found" }, 404);
      }
    }
  };
  return { origin, login, expects, stop };
}

/** The recording with every https host as a folder of the origin, in addresses and in subjects. */
function here(text, origin) {
  const hosts = [...new Set([...text.matchAll(/https:\/\/([\w.-]+)/g)].map(([, host]) => host))];
  const moved = text.replaceAll(/https:\/\/([\w.-]+)/g, `${origin}/$1`);
  return hosts.reduce((whole, host) => whole.replaceAll(`"subject": "${host}`, `"subject": "${origin.replace("http://", "")}/${host}`), moved);
}
