// Drives the owner's page in Chromium as a person does, and says what it saw. Started by tests/promises/page/browser.rs.
//
//   node pages.mjs < order.json
//
// The order: that of visit.mjs and { invite, words }. What was wrong goes to standard output.

import { begin, person } from "./visit.mjs";

const PAGES = [
  "/", "/never", "/leaves", "/leaves/fields", "/leaves/class/structure", "/leaves/class/names", "/leaves/rooms",
  "/leaves/things?search=kitchen&kind=area", "/deployments", "/questions", "/ledger", "/ledger/entry/1", "/ledger/reads", "/connection",
  "/report",
];

const { order, wrong, visit, examineAll, end } = await begin();

// Every decision, with scripts switched off.
await visit({ javaScriptEnabled: false, locale: "en" }, async (page) => {
  const { press, expects } = person(page, order.patience);
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
  // With the keyboard: the first stop skips to the content.
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const there = await page.evaluate(() => document.activeElement?.id);
  if (there !== "main") wrong.push(`the first stop of the keyboard leads to ${there}`);
});

await examineAll(PAGES.map((path) => [path, path]));
await end();
