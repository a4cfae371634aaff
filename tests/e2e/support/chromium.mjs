// A real Chromium: windows that note what the browser complains about, on a desk and on a phone, and the client's own web pages.
//
// With SCREENSHOTS=<folder> every page that is walked over is kept there as a picture.
// Not here: browsing without one (browser.mjs).

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import http from "node:http";
import path from "node:path";

import { chromium, devices } from "playwright-core";

import { listen } from "./listen.mjs";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
export const skip = !existsSync(CHROMIUM) && !process.env.CI && `there is no ${CHROMIUM}; CHROMIUM names another one`;
export const DESK = { viewport: { width: 1280, height: 800 } };
export const PHONE = devices["iPhone 13"];
export const SURROUNDINGS = { desk: DESK, phone: PHONE, "desk at night": { ...DESK, colorScheme: "dark" }, "phone at night": { ...PHONE, colorScheme: "dark" } };

export const launch = () => chromium.launch({ executablePath: CHROMIUM, args: FLAGS });

/** A window that remembers everything the browser complains about, policy violations above all. */
export async function openWindow(browser, t, options = {}) {
  const context = await browser.newContext(options);
  t.after(() => context.close());
  context.setDefaultTimeout(15_000);
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => console.error(`CSP violation: ${violatedDirective} ${blockedURI}`));
  });
  const complaints = [];
  context.on("console", (message) => {
    const elsewhere = message.location().url.endsWith("/favicon.ico"); // of pages that are not the gateway's
    if (["error", "warning"].includes(message.type()) && !elsewhere) complaints.push(`${message.text()} at ${message.location().url}`);
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
  return { context, page: await context.newPage(), complaints };
}

/** The client's own web pages. On another site than the gateway, so that only what the gateway allows works. */
export async function startApplication() {
  const pages = {
    "/": `<!doctype html><title>Sunflower Desk</title><script>
      addEventListener("message", ({ data }) => (window.answer = data));
      window.authorize = (url) => { window.child = window.open(url, "authorization", "width=480,height=720"); };
    </script>`,
    "/callback": `<!doctype html><title>Sunflower Desk</title><p>Back at the client.<script>window.opener?.postMessage(location.search, location.origin)</script>`,
  };
  const server = http.createServer((request, response) => {
    const page = pages[new URL(request.url, "http://application").pathname];
    response.writeHead(page ? 200 : 204, { "content-type": "text/html" }).end(page);
  });
  const { port, stop } = await listen(server);
  const url = `http://127.0.0.1:${port}/`;
  return { url, callback: `${url}callback`, stop };
}

/** Nothing sticks out to the side. */
export async function fits(page) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(content <= window, `the page is ${content} wide in a window of ${window}`);
}

/** Tab by Tab to the button or link of that name, and until it does something: buttons rest for a moment when their page comes to the front. */
export async function tabTo(page, name) {
  for (let presses = 0; presses < 30; presses += 1) {
    await page.keyboard.press("Tab");
    if (name.test(await page.evaluate(() => document.activeElement?.innerText?.trim() ?? ""))) return page.locator(":focus:not([aria-disabled])").waitFor();
  }
  assert.fail(`Tab never reached ${name}`);
}

/** Keeps a picture of the page, where one is wanted. */
export async function keep(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (folder) await page.screenshot({ path: path.join(folder, `${name.replaceAll(/\W+/g, "-")}.png`), fullPage: true });
}
