// Opens pages of a real Home Assistant in Chromium, logged in, one after the other, and says what it saw. Started by dev/src/browser.rs.
//
//   node look.mjs < order.json
//
// The order: { url, token, library, chromium, patience, stops: [{ path, reloads, screenshot?, shows?, click?, calls? }] }; `library` is where
// playwright-core lies. What was seen goes to standard output as one JSON list, a stop an object; whatever keeps it from being seen goes to
// standard error, with exit status 1.
//
// At each stop: the page is opened and reloaded; it stands, and `shows` is in it; `click` is clicked; and, if `calls` is given, it has asked
// for an address with that in it.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const order = JSON.parse(readFileSync(0, "utf8"));
const { chromium } = createRequire(order.library + "/")("playwright-core");

// A click that asks anybody for anything has done so by then, in milliseconds.
const AFTER_CLICK = 1500;

const home = new URL(order.url);
const patience = { timeout: order.patience };
let seen;
const started = () => ({
  errorCards: [], elements: [], consoleErrors: [], pageErrors: [], foreignRequests: [], rendered: false, title: "", texts: [],
});
const all = [];

const browser = await chromium.launch({
  executablePath: order.chromium,
  args: [
    "--no-sandbox", "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en" });
  // What the login page would have left behind.
  await context.addInitScript(
    ([hassUrl, token]) => {
      // Not for empty pages, which have no storage, nor for those of others.
      if (location.origin !== hassUrl) return;
      const tokens = {
        access_token: token, token_type: "Bearer", refresh_token: "", expires_in: 1e8, hassUrl,
        clientId: hassUrl + "/", expires: Date.now() + 1e11,
      };
      localStorage.setItem("hassTokens", JSON.stringify(tokens));
    },
    [home.origin, order.token],
  );
  context.on("request", (request) => note(request.url()));
  context.on("page", (page) => {
    page.on("console", (message) => message.type() === "error" && seen.consoleErrors.push(message.text()));
    page.on("pageerror", (error) => seen.pageErrors.push(String(error)));
    page.on("websocket", (socket) => note(socket.url()));
  });
  let page;
  for (const stop of order.stops) {
    seen = started();
    all.push(seen);
    if (page) {
      // As the sidebar does it: what is loaded stays.
      await page.evaluate((path) => {
        history.pushState(null, "", path);
        dispatchEvent(new Event("location-changed"));
      }, "/" + stop.path);
    } else {
      page = await context.newPage();
      await page.goto(home.origin + "/" + stop.path);
    }
    for (let left = stop.reloads; left > 0; left -= 1) {
      await page.waitForFunction(settled, undefined, patience);
      await page.reload();
    }
    if (!stop.calls || stop.click) {
      if (stop.shows) await page.getByText(stop.shows).first().waitFor({ state: "attached", ...patience }).catch(() => {});
      // The view stands, with something in it, and nothing has come or gone for a second.
      seen.rendered = await page.waitForFunction(settled, undefined, patience).then(() => true, () => false);
      Object.assign(seen, await page.evaluate(survey));
      if (stop.screenshot) await page.screenshot({ path: stop.screenshot });
    }
    if (stop.click) await page.locator(stop.click).first().click(patience);
    if (stop.calls) await called(stop.calls);
    if (stop.click) {
      if (!stop.calls) await page.waitForTimeout(AFTER_CLICK);
      // It may have led anywhere.
      for (const open of context.pages()) await open.close();
      page = undefined;
    }
  }
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(all) + "\n");

// Some addresses that a browser asks for are no addresses for anybody else.
function note(url) {
  const to = URL.canParse(url) ? new URL(url) : undefined;
  const elsewhere = !to || (["http:", "https:", "ws:", "wss:"].includes(to.protocol) && to.host !== home.host);
  if (elsewhere) seen.foreignRequests.push(url);
}

async function called(part) {
  for (const end = Date.now() + order.patience; Date.now() < end; ) {
    if (seen.foreignRequests.some((url) => url.includes(part))) return;
    await new Promise((done) => setTimeout(done, 50));
  }
}

// Runs in the page. Shadow roots are walked through like any other part of it.
function settled() {
  const names = [];
  (function walk(node) {
    for (const child of node.children ?? []) {
      names.push(child.localName);
      walk(child);
    }
    if (node.shadowRoot) walk(node.shadowRoot);
  })(document.documentElement);
  const stands = names.some((name) => /^hui-.*(view|section)$/.test(name)) && names.some((name) => /-card$|^hui-warning$/.test(name));
  const picture = names.join(" ");
  if (globalThis.__picture !== picture) {
    globalThis.__picture = picture;
    globalThis.__since = performance.now();
  }
  return stands && performance.now() - globalThis.__since > 1000;
}

// Runs in the page.
function survey() {
  const found = { errorCards: [], elements: [], texts: [], title: document.title };
  (function walk(node) {
    for (const child of node.children ?? []) {
      const name = child.localName;
      if (/^(hui-error-card|hui-warning|hui-error-.*|hui-warning-element)$/.test(name)) {
        found.errorCards.push(name + ": " + (child.shadowRoot ?? child).textContent.trim().replace(/\s+/g, " ").slice(0, 300));
      }
      if (name.includes("-") && !/^(ha-svg|ha-icon)/.test(name)) found.elements.push(name);
      walk(child);
    }
    if (node.shadowRoot) walk(node.shadowRoot);
    for (const child of node.childNodes ?? []) {
      const parent = child.parentNode?.localName;
      if (child.nodeType === 3 && child.data.trim() && parent !== "style" && parent !== "script") {
        found.texts.push(child.data.trim().slice(0, 200));
      }
    }
  })(document.documentElement);
  found.elements = [...new Set(found.elements)].sort();
  return found;
}
