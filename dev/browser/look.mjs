// Opens one page of a real Home Assistant in Chromium, logged in, and says what it saw. Started by dev/src/browser.rs.
//
//   node look.mjs < order.json
//
// The order: { url, token, path, library, chromium, screenshot?, reloads?, patience }; `library` is where playwright-core lies. What was seen
// goes to standard output as one JSON object; whatever keeps it from being seen goes to standard error, with exit status 1.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const order = JSON.parse(readFileSync(0, "utf8"));
const { chromium } = createRequire(order.library + "/")("playwright-core");

const home = new URL(order.url);
const seen = { errorCards: [], elements: [], consoleErrors: [], pageErrors: [], foreignRequests: [], rendered: false, title: "", texts: [] };

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
      const tokens = {
        access_token: token, token_type: "Bearer", refresh_token: "", expires_in: 1e8, hassUrl,
        clientId: hassUrl + "/", expires: Date.now() + 1e11,
      };
      localStorage.setItem("hassTokens", JSON.stringify(tokens));
    },
    [home.origin, order.token],
  );
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && seen.consoleErrors.push(message.text()));
  page.on("pageerror", (error) => seen.pageErrors.push(String(error)));
  context.on("request", (request) => {
    const to = new URL(request.url());
    if (["http:", "https:", "ws:", "wss:"].includes(to.protocol) && to.host !== home.host) seen.foreignRequests.push(to.href);
  });
  page.on("websocket", (socket) => {
    const to = new URL(socket.url());
    if (to.host !== home.host) seen.foreignRequests.push(to.href);
  });
  await page.goto(home.origin + "/" + order.path);
  for (let left = order.reloads ?? 0; left > 0; left -= 1) {
    await page.waitForFunction(settled, undefined, { timeout: order.patience });
    await page.reload();
  }
  // The view stands, with something in it, and nothing has come or gone for a second.
  seen.rendered = await page.waitForFunction(settled, undefined, { timeout: order.patience }).then(() => true, () => false);
  Object.assign(seen, await page.evaluate(survey));
  if (order.screenshot) await page.screenshot({ path: order.screenshot });
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(seen) + "\n");

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
