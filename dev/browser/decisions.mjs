// Decides on the owner's page in Chromium, with scripts switched off, and says what it saw. Started by tests/promises/page/browser.rs.
//
//   node decisions.mjs < order.json
//
// The order: that of visit.mjs and any of { approve, undo, moved, conflict, question, decline, room, looks, rotate }: addresses on the page,
// names to choose, pages to examine, and an invite with its words. What was wrong goes to standard output.

import { begin, person } from "./visit.mjs";

const { order, visit, examineAll, end } = await begin();
const silent = (story) => visit({ javaScriptEnabled: false, locale: "en" }, (page) => story(page, person(page, order.patience)));

if (order.looks) await examineAll(order.looks);

if (order.approve) {
  await silent(async (page, { press, expects, later }) => {
    await page.goto(`${order.base}/`);
    await page.getByRole("link", { name: /wait for your decision/ }).click();
    await page.locator(`a[href$="${order.approve}"]`).click();
    await page.getByText("Side by side").first().click();
    await page.locator("table.diff").first().waitFor();
    await press("Approve");
    await expects("Approved.");
    await later("done and checked");
    if (!order.undo) return;
    await press("Undo");
    await expects("Undoing was asked for.");
    await later(/^undone$/);
  });
}

// With scripts, a page that is open says that it has come further.
if (order.moved) {
  await visit({ locale: "en" }, async (page) => {
    await page.goto(order.base + order.moved);
    const other = await page.context().newPage();
    await other.goto(order.base + order.moved);
    await other.getByRole("button", { name: "Reject" }).click();
    await other.getByText("Rejected. Nothing changes.").waitFor();
    await page.locator("#live").getByRole("link", { name: "Show it" }).click();
    await page.getByText(/^refused$/).waitFor();
  });
}

if (order.conflict) {
  await silent(async (page, { pressFor, expects }) => {
    await page.goto(order.base + order.conflict);
    await expects("You changed it here");
    await expects("The company designed");
    await page.getByRole("link", { name: "Deployments" }).first().click();
    await expects("edited at home since");
    await page.getByLabel("Cards", { exact: true }).selectOption("ask");
    await pressFor("Save", "Cards");
    await expects("Saved.");
    const chosen = await page.getByLabel("Cards", { exact: true }).inputValue();
    if (chosen !== "ask") throw new Error(`cards are ${chosen}`);
  });
}

if (order.question) {
  await silent(async (page, { press, pressFor, expects, later }) => {
    await page.goto(`${order.base}/`);
    await page.getByRole("link", { name: /wait for your answer/ }).click();
    await page.locator(`a[href$="${order.question.path}"]`).click();
    await pressFor("Show me", order.question.choice);
    await expects("Look around");
    await pressFor("It is this one", order.question.choice);
    await expects("Answered.");
    await page.getByRole("listitem").filter({ hasText: order.question.choice }).getByText("your answer").waitFor();
    await page.goto(order.base + order.decline);
    await press("Do not answer");
    await expects("The company is told that you did not want to.");
    // A wish of one's own.
    await page.getByRole("link", { name: "Requests and questions" }).first().click();
    await page.getByLabel("Your words").fill("A page for us, please");
    await page.getByLabel(order.room).first().check();
    await press("Send the request");
    await expects("Your request is on its way.");
    await later("the company has it");
    await page.getByRole("listitem").filter({ hasText: "A page for us, please" }).getByText(order.room).first().waitFor();
    await pressFor("Take back", "A page for us");
    await expects("Taken back.");
    // Who has looked.
    await page.getByRole("link", { name: "Ledger" }).first().click();
    await page.getByRole("row").filter({ hasText: "staff:1" }).getByText("all records").first().waitFor();
  });
}

if (order.rotate) {
  await silent(async (page, { press, expects, later }) => {
    await page.goto(`${order.base}/connection`);
    await page.getByText("Change the identity").click();
    if (order.rotate.deployed) await page.locator("#rotate-deployed").selectOption(order.rotate.deployed);
    await page.getByLabel("Yes, end this identity").check();
    await press("Begin with a new identity");
    await expects("This identity has ended.");
    await later("not a proof");
    await page.getByLabel("Invite code").fill(order.rotate.invite);
    await press("Look who this is");
    for (const word of order.rotate.words) await page.getByRole("listitem").filter({ hasText: word }).first().waitFor();
    await page.getByLabel("The eight words are the same").check();
    await press("Pair");
    await expects("Paired. Structure leaves");
  });
}

await end();
