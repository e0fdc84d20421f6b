/** The review page in a real browser, over a port that a real sshd forwards to the socket. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { ReviewScene } from "./review_scene.ts";

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
}, 60_000);

test("equal proposals are one line with a number, and are approved together", async () => {
  const { page } = scene;
  const first = await scene.propose("echo", { msg: "thrice" });
  const second = await scene.propose("echo", { msg: "thrice" });
  await page.goto(scene.url());
  await page.locator(".list a", { hasText: "× 2" }).click();
  await scene.approve("Approve all 2");
  for (const { id } of [first, second]) {
    expect((await scene.ended(id)).status).toBe("succeeded");
  }
}, 60_000);

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
}, 60_000);

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
