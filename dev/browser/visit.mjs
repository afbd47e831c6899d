// What all stories on the owner's page have in common: the browser, how it is watched, and how a page is examined.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

// Widths, colours and languages in pairs: each with each other at least once would be many; each page meets some of them.
export const LOOKS = [
  { width: 320, scheme: "light", language: "en" },
  { width: 800, scheme: "dark", language: "de" },
  { width: 1280, scheme: "light", language: "fr" },
  { width: 360, scheme: "dark", language: "nl" },
  { width: 1920, scheme: "dark", language: "es" },
];

// Reads the order from standard input, starts Chromium, and gives what the stories need. The order has { base, headers, library, chromium,
// screenshots, patience }; `library` is where playwright-core and axe-core lie, `screenshots` a folder or null.
export async function begin() {
  const order = JSON.parse(readFileSync(0, "utf8"));
  const library = createRequire(order.library + "/");
  const { chromium } = library("playwright-core");
  const axe = readFileSync(library.resolve("axe-core/axe.min.js"), "utf8");
  const wrong = [];
  const origin = new URL(order.base).origin;
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
    // What is folded away is looked at too.
    await page.evaluate(() => document.querySelectorAll("details").forEach((part) => (part.open = true)));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (wide > 0) wrong.push(`${name} is ${wide} pixels too wide`);
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document));
    for (const rule of found.violations) wrong.push(`${name}: ${rule.id} at ${rule.nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
    if (order.screenshots) await page.screenshot({ path: `${order.screenshots}/${name.replace(/\W+/g, "_")}.png`, fullPage: true });
  }

  // Every page, in every look.
  async function examineAll(paths) {
    for (const look of LOOKS) {
      const options = { viewport: { width: look.width, height: 800 }, colorScheme: look.scheme, locale: look.language };
      await visit(options, async (page) => {
        for (const [path, name] of paths) {
          await page.goto(order.base + path);
          await examine(page, `${name} ${look.width} ${look.scheme} ${look.language}`);
        }
      });
    }
  }

  // Says what was wrong, as one JSON array of texts; an empty one means that all was well.
  async function end() {
    await browser.close();
    process.stdout.write(JSON.stringify(wrong) + "\n");
  }

  return { order, wrong, visit, examineAll, end };
}

// Presses and looks as a person does.
export function person(page, patience) {
  const press = (name) => page.getByRole("button", { name }).first().click();
  // A button that says to those who cannot see what it is about: "Save: Cards".
  const pressFor = (word, what) => press(new RegExp(`^${word} ?: ${what.replace(/[^\w ]/g, "\\$&")}`));
  const expects = async (text) => page.getByText(text).first().waitFor();
  // Without scripts a page is loaded again until it says this.
  const later = async (text) => {
    const until = Date.now() + patience;
    while ((await page.getByText(text).count()) === 0) {
      if (Date.now() > until) throw new Error(`never: ${text}`);
      await page.waitForTimeout(250);
      await page.goto(page.url());
    }
  };
  return { press, pressFor, expects, later };
}
