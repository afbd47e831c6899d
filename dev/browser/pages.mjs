// Drives the owner's page in Chromium as a person does, and says what it saw. Started by tests/promises/page/browser.rs.
//
//   node pages.mjs < order.json
//
// The order: { base, headers, library, chromium, invite, words, screenshots, patience }; `library` is where playwright-core and axe-core lie,
// `screenshots` a folder or null. What was wrong goes to standard output as one JSON array of texts; an empty one means that all was well.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const order = JSON.parse(readFileSync(0, "utf8"));
const library = createRequire(order.library + "/");
const { chromium } = library("playwright-core");
const axe = readFileSync(library.resolve("axe-core/axe.min.js"), "utf8");
const wrong = [];
const origin = new URL(order.base).origin;

// Widths, colours and languages in pairs: each with each other at least once would be many; each page meets some of them.
const LOOKS = [
  { width: 320, scheme: "light", language: "en" },
  { width: 800, scheme: "dark", language: "de" },
  { width: 1280, scheme: "light", language: "fr" },
  { width: 360, scheme: "dark", language: "nl" },
  { width: 1920, scheme: "dark", language: "es" },
];
const PAGES = [
  "/", "/never", "/leaves", "/leaves/fields", "/leaves/class/structure", "/leaves/class/names", "/leaves/rooms",
  "/leaves/things?search=kitchen&kind=area", "/deployments", "/ledger", "/ledger/entry/1", "/connection", "/report",
];

const browser = await chromium.launch({
  executablePath: order.chromium,
  args: [
    "--no-sandbox", "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});

async function visit(options, story) {
  const context = await browser.newContext({ extraHTTPHeaders: order.headers, ...options });
  context.setDefaultTimeout(order.patience);
  const page = await context.newPage();
  // The rules of the Content-Security-Policy stay in force: axe comes in through the debugger, which they do not concern.
  page.on("console", (message) => message.type() === "error" && wrong.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`script: ${error}`));
  context.on("request", (request) => request.url().startsWith(origin) || wrong.push(`elsewhere: ${request.url()}`));
  try {
    await story(page);
  } catch (error) {
    wrong.push(`${page.url().slice(origin.length)}: ${error}`);
  }
  await context.close();
}

async function examine(page, name) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) wrong.push(`${name} is ${wide} pixels too wide`);
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document));
  for (const rule of found.violations) wrong.push(`${name}: ${rule.id} at ${rule.nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
  if (order.screenshots) await page.screenshot({ path: `${order.screenshots}/${name.replace(/\W+/g, "_")}.png`, fullPage: true });
}

// Every decision, with scripts switched off.
await visit({ javaScriptEnabled: false, locale: "en" }, async (page) => {
  const press = (name) => page.getByRole("button", { name }).first().click();
  const expects = async (text) => page.getByText(text).first().waitFor();
  await page.goto(`${order.base}/connection`);
  await page.getByLabel("Invite code").fill(order.invite);
  await press("Look who this is");
  for (const word of order.words) await page.getByRole("listitem").filter({ hasText: word }).first().waitFor();
  await page.getByLabel("The eight words are the same").check();
  await press("Pair");
  await expects("Paired. Structure leaves");
  await page.getByRole("link", { name: "What leaves" }).click();
  await page.getByRole("link", { name: /^Allow ?: Names/ }).click();
  await press("Allow");
  await expects("Granted.");
  await page.getByRole("switch", { name: "Names" }).click();
  await expects("Withdrawn.");
  await page.getByRole("link", { name: "Look at the rooms" }).click();
  await page.getByRole("link", { name: /^Change ?: Kitchen/ }).first().click();
  await page.getByLabel("Kind", { exact: true }).selectOption("sauna");
  await press("Save");
  await expects("your choice");
  await page.goto(`${order.base}/leaves/things`);
  await page.getByLabel("Name, entity id or integration").fill("bedroom");
  await press("Search");
  await press(/^Exclude ?: Bedroom/);
  await expects("For the portal it does not exist any more");
  await press(/^Include again ?: Bedroom/);
  await expects("Included again.");
  await page.goto(`${order.base}/ledger`);
  await press("Check the chain");
  await expects("is intact");
  await page.goto(`${order.base}/`);
  await press("Pause");
  await expects("Paused: nothing is sent");
  await press("Go on");
  await expects("Sending again.");
});

// Live, with scripts.
await visit({ locale: "en" }, async (page) => {
  await page.goto(`${order.base}/`);
  await page.locator("#live").getByText("In sync").waitFor();
});

// Every page, in every look.
for (const [at, look] of LOOKS.entries()) {
  const options = { viewport: { width: look.width, height: 800 }, colorScheme: look.scheme, locale: look.language };
  await visit(options, async (page) => {
    for (const path of PAGES) {
      await page.goto(order.base + path);
      await examine(page, `${path} ${look.width} ${look.scheme} ${look.language}`);
    }
    // With the keyboard: the first stop skips to the content.
    await page.goto(`${order.base}/`);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    const there = await page.evaluate(() => document.activeElement?.id);
    if (there !== "main") wrong.push(`the first stop of the keyboard leads to ${there}`);
  });
}

await browser.close();
process.stdout.write(JSON.stringify(wrong) + "\n");
