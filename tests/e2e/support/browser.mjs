// A browser without a screen: it keeps cookies, follows redirects, reads the forms of a page and presses their buttons, and stops where
// the client's redirect URI begins.
//
// Not here: rendering and scripts (browser.test.mjs uses Chromium for that).

import { request } from "./http.mjs";

export class Browser {
  /** `home`: the origins it walks in: the gateway, the login provider, authorization servers of upstreams. Everything else is the client. */
  constructor(...home) {
    this.home = new Set(home.map((url) => new URL(url).origin));
    this.cookies = new Map();
    this.visited = [];
    /** Addresses at home that are not opened: a walk ends before them, and a test does something else with them. */
    this.stopsAt = () => false;
  }

  /** Opens an address and follows redirects; ends on a page, or with `landed` at the client's address. */
  async open(url, { method = "GET", form, from } = {}) {
    for (let hops = 0; hops < 20; hops += 1) {
      const target = new URL(url);
      if (!this.home.has(target.origin) || this.stopsAt(target)) return { landed: target, params: target.searchParams };
      const answer = await request(target, { method, form, headers: this.#headers(target, method, from) });
      this.#keep(target, answer);
      this.visited.push({ method, url: String(target), status: answer.status });
      const location = answer.headers.location;
      if (answer.status < 300 || answer.status > 399 || !location) return new Page(answer);
      url = new URL(location, target);
      if (answer.status !== 307 && answer.status !== 308) [method, form] = ["GET", undefined];
    }
    throw new Error(`too many redirects: ${this.visited.map(({ url: seen }) => seen).join(" -> ")}`);
  }

  /** Submits the form that has the button, as if it were pressed; `typed` fills its other fields, and clears a checkbox with `undefined`. */
  press(page, button, typed = {}) {
    const form = page.forms.find((candidate) => candidate.buttons.includes(button));
    const fields = Object.fromEntries(Object.entries({ ...form.fields, ...typed }).filter(([, value]) => value !== undefined));
    if (button.name) fields[button.name] = button.value;
    if (form.method === "GET") return this.open(`${form.action}?${new URLSearchParams(fields)}`, { from: page });
    return this.open(form.action, { method: "POST", form: fields, from: page });
  }

  /**
   * Walks on as that person, through whatever is asked: sign-in, consent, connecting each upstream with what is `typed` there, or using an
   * account that is connected already, with `use` in its name, unless `connect` says what to press. Ends at the client or on a page
   * without a question.
   */
  async walk(url, { as = "alice", decide = "approve", connect, use = "", typed = {} } = {}) {
    let page = await this.open(url);
    const decisions = [decide, ...(connect ? [connect] : ["use", "connect"])];
    for (let steps = 0; steps < 10 && !page.landed; steps += 1) {
      if (connect !== "skip" && /was not connected/.test(page.title)) return page; // refused: whether to go back there is no walk's choice
      const next =
        page.button("account", (value) => value.endsWith(as)) ??
        decisions.map((decision) => page.button("decision", (value, label) => value === decision && (value !== "use" || label.includes(use)))).find(Boolean) ??
        page.signIn(as);
      const onwards = connect === "skip" && page.link(/back to connecting/i);
      if (!next && !onwards) return page;
      page = next ? await this.press(page, next.button ?? next, next.typed ?? typed) : await this.open(onwards, { from: page });
    }
    return page;
  }

  /** The cookie of that name, with the attributes it was set with. */
  cookie(name) {
    return [...this.cookies.values()].find((cookie) => cookie.name === name);
  }

  /** As if the browser had been closed and its data cleared. */
  forget() {
    this.cookies.clear();
  }

  #headers(target, method, from) {
    const jar = [...this.cookies.values()].filter(
      (cookie) => cookie.host === target.hostname && target.pathname.startsWith(cookie.path === "/" ? "/" : cookie.path),
    );
    return {
      accept: "text/html,application/xhtml+xml",
      "user-agent": "Mozilla/5.0 (test)",
      cookie: jar.length > 0 ? jar.map(({ name, value }) => `${name}=${value}`).join("; ") : undefined,
      // A page with Referrer-Policy: no-referrer makes browsers post its forms with `Origin: null`.
      origin: method === "POST" ? (from?.headers?.["referrer-policy"] === "no-referrer" ? "null" : from && new URL(from.url).origin) : undefined,
    };
  }

  #keep(target, { headers }) {
    for (const line of headers["set-cookie"] ?? []) {
      const [pair, ...attributes] = line.split(/;\s*/);
      const cut = pair.indexOf("=");
      const cookie = { name: pair.slice(0, cut), value: pair.slice(cut + 1), host: target.hostname, path: "/", attributes: {} };
      for (const attribute of attributes) {
        const [name, value = true] = attribute.split("=");
        cookie.attributes[name.toLowerCase()] = value;
      }
      if (typeof cookie.attributes.path === "string") cookie.path = cookie.attributes.path;
      const key = [cookie.host, cookie.path, cookie.name].join(" ");
      const gone = cookie.attributes["max-age"] === "0" || (cookie.attributes.expires && new Date(cookie.attributes.expires) < new Date());
      if (gone) this.cookies.delete(key);
      else this.cookies.set(key, cookie);
    }
  }
}

/** A page as a person sees it: its text, its forms and their buttons. */
export class Page {
  constructor({ status, headers, url, text: html }) {
    Object.assign(this, { status, headers, url, html });
    this.title = decode(/<title[^>]*>([^<]*)/i.exec(html)?.[1] ?? "").trim();
    this.text = decode(html.replace(/<(style|script)[\s\S]*?<\/\1>/gi, "").replace(/<[^>]+>/g, " ")).replace(/\s+/g, " ").trim();
    this.forms = [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, attributes, inner]) => form(attributes, inner, url));
  }

  /** The button of that name whose value and label fit. */
  button(name, fits = () => true) {
    return this.forms.flatMap(({ buttons }) => buttons).find((button) => button.name === name && fits(button.value, button.label));
  }

  /** Where the link of that name leads, as it is read out. */
  link(pattern) {
    const links = [...this.html.matchAll(/<a\b([^>]*)>([\s\S]*?)<\/a>/gi)].map(([, raw, inner]) => ({ ...parseAttributes(raw), inner }));
    const found = links.find(({ "aria-label": name, inner }) => pattern.test(name ?? decode(inner.replace(/<[^>]+>/g, " ")).trim()));
    return found && new URL(found.href, this.url);
  }

  /** The provider's own form with a login field, filled in. */
  signIn(as) {
    const found = this.forms.find(({ fields }) => "login" in fields);
    return found && { button: found.buttons[0], typed: { login: as, password: "irrelevant" } };
  }
}

function form(attributes, inner, url) {
  const { action = url, method = "get" } = parseAttributes(attributes);
  const fields = {};
  for (const [, raw] of inner.matchAll(/<input\b([^>]*)>/gi)) {
    const { name, value = "", type = "text", checked } = parseAttributes(raw);
    if (name && type !== "submit" && (type !== "checkbox" || checked !== undefined)) fields[name] = value;
  }
  const buttons = [...inner.matchAll(/<button\b([^>]*)>([\s\S]*?)<\/button>/gi)].map(([, raw, label]) => {
    const { name, value = "" } = parseAttributes(raw);
    return { name, value, label: decode(label.replace(/<[^>]+>/g, " ")).replace(/\s+/g, " ").trim() };
  });
  return { action: new URL(action, url), method: method.toUpperCase(), fields, buttons };
}

function parseAttributes(raw) {
  return Object.fromEntries(
    [...raw.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)].map(([, name, double, single, bare]) => [
      name.toLowerCase(),
      decode(double ?? single ?? bare ?? ""),
    ]),
  );
}

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

function decode(text) {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(Number(decimal));
    return ENTITIES[name] ?? whole;
  });
}
