/** The review page in a real browser, over a port that a real sshd forwards to the socket. */

import type { Request } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pageFiles } from "../../src/server/page.ts";
import { actionDigest, Approver } from "../support/approver.ts";
import { call } from "../support/http.ts";
import { carol, ReviewScene } from "./review_scene.ts";

let scene: ReviewScene;
beforeAll(async () => {
  scene = await ReviewScene.start();
}, 60_000);
afterAll(() => scene?.close());

test("a passkey approves what is shown, and the agent gets the result", async () => {
  const { page } = scene;
  await page.goto(scene.url());
  const { id } = await scene.propose("echo", { msg: "from the page" }, { reason: "a greeting" });
  // live: nobody reloads
  await page.locator(".list a", { hasText: "echo" }).click();
  const card = page.locator("article.proposal");
  expect(await card.textContent()).toContain("a greeting");
  expect(await card.locator("pre.payload").textContent()).toContain('"msg": "from the page"');
  await scene.approve();
  const { status, execution } = await scene.ended(id);
  expect([status, execution.result]).toEqual(["succeeded", { msg: "from the page" }]);
  await page.getByText("Nothing waits for you.").waitFor();
  expect(await page.locator("#count").isVisible()).toBe(false);
}, 60_000);

test("a decline is signed, and the agent is told its reason", async () => {
  const { page } = scene;
  const { id } = await scene.propose("echo", { msg: "no" });
  await scene.open(id);
  await page.getByRole("button", { name: "Decline…" }).click();
  await page.getByLabel("Reason").fill("not on a Friday");
  await page.getByRole("button", { name: "Decline", exact: true }).click();
  const { status, decline, problem } = await scene.ended(id);
  expect([status, decline.by, decline.reason]).toEqual(["declined", "bob", "not on a Friday"]);
  expect([problem.code, problem.effect, problem.retry]).toEqual([
    "proposal_declined",
    "none",
    "never",
  ]);
  await page.getByText("declined by").waitFor();
  const card = await page.locator("article.proposal").textContent();
  // neither what is over, nor the words that are meant for the agent
  expect(card).not.toMatch(/waits until|because|approver needed/);
}, 60_000);

test("equal proposals are one line with a number, and are approved together", async () => {
  const { page } = scene;
  const first = await scene.propose("echo", { msg: "thrice" });
  const second = await scene.propose("echo", { msg: "thrice" });
  await page.goto(scene.url());
  await page.locator(".list a", { hasText: "× 2" }).click();
  await page.getByText("Approve all 2").waitFor();
  await scene.approve("Approve all 2");
  for (const { id } of [first, second]) {
    expect((await scene.ended(id)).status).toBe("succeeded");
  }
}, 60_000);

test("a passkey signs the very body that another approver began, and both are enough", async () => {
  const payload = { a: 1, b: 2 };
  const { id, nonce, handler } = await withHandler(await scene.propose("add", payload));
  const now = Math.floor(Date.now() / 1000);
  const begun = carol.envelope(JSON.stringify({
    iss: "carol",
    aud: "openexec:test",
    sub: `uid:${Deno.uid()}`,
    jti: "carol-began",
    iat: now,
    exp: now + 300,
    action: "add",
    action_digest: actionDigest("add", payload),
    nonce,
    handler_digest: handler.digest,
  }));
  expect((await call(scene.review, "POST", `/proposals/${id}/approvals`, begun)).status).toBe(202);
  await scene.open(id);
  await scene.page.getByText("carol (ed25519)").waitFor();
  await scene.approve();
  const { status, execution, approvals } = await scene.ended(id);
  expect([status, execution.result]).toEqual(["succeeded", { result: 3 }]);
  expect(approvals.given.map(({ name, kind, jti }: Record<string, string>) => [name, kind, jti]))
    .toEqual([["carol", "ed25519", "carol-began"], ["bob", "passkey", "carol-began"]]);
}, 60_000);

/** What a reviewer sees of a proposal. */
async function withHandler({ id }: { id: string }) {
  return (await call(scene.review, "GET", `/proposals/${id}`)).json;
}

test("the keyboard alone decides, and a screen of 360 pixels shows all", async () => {
  const { page } = scene;
  await page.setViewportSize({ width: 360, height: 640 });
  const { id } = await scene.propose("echo", { msg: `${"long".repeat(40)} ${"x".repeat(200)}` });
  await scene.open(id);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await page.keyboard.press("End");
  await page.locator("button.go:not([disabled])").waitFor();
  for (let tabs = 0; tabs < 20; tabs++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement?.textContent) === "Approve") break;
  }
  await page.keyboard.press("Enter");
  expect((await scene.ended(id)).status).toBe("succeeded");
  await page.setViewportSize({ width: 1280, height: 720 });
}, 60_000);

test("every field and list has a name for a screen reader", async () => {
  const { page } = scene;
  const { id } = await scene.propose("echo", { msg: "named" });
  await scene.open(id);
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll("button, select, textarea, input, ul.list, nav, article, pre")]
      .filter((one) =>
        !one.getAttribute("aria-label") && !one.getAttribute("aria-labelledby") &&
        !one.closest("label")?.textContent && !(one instanceof HTMLButtonElement && one.textContent)
      ).map((one) => one.outerHTML.slice(0, 80))
  );
  expect(nameless).toEqual([]);
}, 60_000);

test("a browser asks for three files, and the daemon four times, before the question", async () => {
  const { page } = scene;
  const { id } = await scene.propose("echo", { msg: "soon" });
  await page.goto("about:blank");
  const asked: string[] = [];
  const keep = (request: Request) => asked.push(new URL(request.url()).pathname);
  page.on("request", keep);
  await scene.open(id);
  page.off("request", keep);
  expect(asked.slice(0, 7)).toEqual([
    "/review",
    "/review/page.css",
    "/review/main.js",
    "/",
    "/proposals",
    "/proposals",
    `/proposals/${id}`,
  ]);
}, 60_000);

test("the whole page is under 150 KB as it is sent", () => {
  const bytes = [...pageFiles().values()].reduce((sum, { gzip }) => sum + gzip.length, 0);
  expect(bytes).toBeLessThan(150_000);
});

test("history shows what ended, and checks receipts in the browser", async () => {
  const { page } = scene;
  const { id } = await scene.propose("echo", { msg: "kept" });
  await scene.open(id);
  await scene.approve();
  await scene.ended(id);
  await page.goto(scene.url("#/history"));
  const entry = page.locator("article.entry", { hasText: "succeeded" }).first();
  await entry.getByRole("button", { name: "Check its receipt here" }).click();
  await entry.getByText("Genuine.").waitFor();
  const failed = await entry.locator('[data-outcome="failed"]').count();
  const passed = await entry.locator('[data-outcome="passed"]').count();
  expect([failed, passed > 3]).toEqual([0, true]);
  await page.setViewportSize({ width: 360, height: 640 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await page.setViewportSize({ width: 1280, height: 720 });
}, 60_000);

/** Has the page ask for its history anew, as it does whenever a person comes to that view. */
async function readHistory(): Promise<void> {
  const { page } = scene;
  await page.goto(scene.url("#/waiting"));
  await page.locator(".desk").waitFor({ state: "attached" });
  await page.goto(scene.url("#/history"));
  await page.locator("article.entry").first().waitFor();
}

test(
  "history follows a change of the executor's key, and no chain that begins elsewhere",
  async () => {
    const { page } = scene;
    const verdict = async (id: string) => {
      await readHistory();
      const entry = page.locator(`article.entry[data-id="${id}"]`);
      await entry.getByRole("button", { name: "Check its receipt here" }).click();
      return await entry.getByRole("status").textContent();
    };
    const decided = async (msg: string) => {
      const { id } = await scene.propose("echo", { msg });
      await scene.open(id);
      await scene.approve();
      await scene.ended(id);
      return id;
    };
    const before = await decided("by the first key");
    expect(await verdict(before)).toContain("Genuine.");
    await scene.rotate();
    const after = await decided("by the second key");
    expect(await verdict(before)).toContain("Genuine.");
    expect(await verdict(after)).toContain("Genuine.");
    await page.route("**/log/keys", (route) => route.fulfill({ json: { keys: [] } }));
    expect(await verdict(after)).toContain("Not genuine.");
    await page.unroute("**/log/keys");
    await page.evaluate(
      (stranger) => localStorage.setItem("openexec.executor_key", stranger),
      new Approver("stranger").publicKey,
    );
    expect(await verdict(after)).toContain("Not genuine.");
    await page.evaluate(() => localStorage.removeItem("openexec.executor_key"));
  },
  120_000,
);

test("history takes a genuine receipt for its own proposal only", async () => {
  const { page } = scene;
  const decided = async (msg: string) => {
    const { id } = await scene.propose("echo", { msg });
    await scene.open(id);
    await scene.approve();
    return await scene.ended(id);
  };
  const [own, other] = [await decided("shown"), await decided("checked")];
  const verdict = async (changes: object) => {
    const shown = { ...own, ...changes };
    await page.route(
      (url) => url.pathname === "/proposals",
      (route) => route.fulfill({ json: { proposals: [shown], next: null } }),
    );
    await readHistory();
    await page.getByRole("button", { name: "Check its receipt here" }).click();
    const text = await page.locator(".entry").getByRole("status").textContent();
    await page.unrouteAll();
    return text?.split(".")[0];
  };
  expect(await verdict({})).toBe("Genuine");
  for (
    const lie of [
      { execution: other.execution },
      { action: "add" },
      { status: "failed" },
      { peer: { ...own.peer, uid: own.peer.uid + 1 } },
      { proposed_at: other.proposed_at },
    ]
  ) expect([lie, await verdict(lie)]).toEqual([lie, "Not genuine"]);
}, 120_000);

test("a browser that is told another executor's name shows nothing to approve", async () => {
  const { page } = scene;
  await scene.propose("echo", { msg: "waits" });
  await page.goto(scene.url());
  await page.locator(".list a").first().waitFor();
  await page.evaluate(() => localStorage.setItem("openexec.executor", "openexec:other"));
  await page.reload();
  await page.getByText("was executor openexec:other before").waitFor();
  expect(await page.locator(".list").count()).toBe(0);
  await page.getByRole("button", { name: "I know why" }).click();
  await page.locator(".list a").first().waitFor();
}, 60_000);
