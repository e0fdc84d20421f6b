/** Attacks on the review page and its signatures, each as an attacker would do it. */

import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call } from "../support/http.ts";
import { ReviewScene } from "./review_scene.ts";

let scene: ReviewScene;
beforeAll(async () => {
  scene = await ReviewScene.start();
}, 60_000);
afterAll(() => scene?.close());

/** Serves one foreign page on a port of its own while `act` runs. */
async function withForeignPage<T>(html: string, act: (url: string) => Promise<T>): Promise<T> {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end(html);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  try {
    return await act(`http://localhost:${port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe("a foreign page", () => {
  test("cannot post to the port, read from it, or frame the page", async () => {
    const { id } = await scene.propose("echo", { msg: "foreign" });
    const page = await scene.page.context().newPage();
    await withForeignPage("<!doctype html><title>foreign</title>", async (url) => {
      await page.goto(url);
      const outcomes = await page.evaluate(async ({ base, proposal }) => {
        const attempt = (path: string, init: RequestInit) =>
          fetch(base + path, init).then(
            (answer) => `${answer.status} ${answer.type}`,
            () => "failed",
          );
        const framed = document.createElement("iframe");
        framed.src = `${base}/review`;
        const loaded = new Promise((resolve) => framed.onload = resolve);
        document.body.append(framed);
        await loaded;
        let inside = "closed";
        try {
          inside = framed.contentDocument?.title ?? "closed";
        } catch {
          // another origin
        }
        return {
          posted: await attempt(`/proposals/${proposal}/decline`, {
            method: "POST",
            mode: "no-cors",
            body: "{}",
          }),
          read: await attempt("/proposals", {}),
          inside,
        };
      }, { base: `http://localhost:${scene.forwarded.port}`, proposal: id });
      // nor does it learn of an answer (Cross-Origin-Resource-Policy)
      expect(outcomes).toEqual({ posted: "failed", read: "failed", inside: "closed" });
    });
    await page.close();
    expect((await call(scene.review, "GET", `/proposals/${id}`)).json.status).toBe("pending");
  }, 60_000);

  test("under a name that is rebound to the port gets nothing", async () => {
    const { status, json } = await call(scene.review, "GET", "/proposals", undefined, {
      host: `rebound.example:${scene.forwarded.port}`,
    });
    expect([status, json.code]).toEqual([403, "peer_denied"]);
  });
});

test("a payload that is HTML stays text", async () => {
  const { page } = scene;
  const html =
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";
  const { id } = await scene.propose("echo", { msg: html }, { reason: html });
  await scene.open(id);
  expect(await page.locator("pre.payload").textContent()).toContain("<img src=x");
  expect(await page.locator("article img, article script").count()).toBe(0);
  expect(await page.title()).not.toContain("owned");
}, 60_000);

test("the policy refuses a script that got into the page all the same", async () => {
  const { page } = scene;
  await page.goto(scene.url());
  const refused = await page.evaluate(() => {
    const attempts = [
      () => document.body.insertAdjacentHTML("beforeend", "<b>x</b>"),
      () => document.body.innerHTML = "<b>x</b>",
    ];
    return attempts.map((attempt) => {
      try {
        attempt();
        return "done";
      } catch {
        return "refused";
      }
    });
  });
  expect(refused).toEqual(["refused", "refused"]);
}, 60_000);

test("a long payload cannot push the question away, and Approve waits for its end", async () => {
  const { page } = scene;
  const rows = Array.from({ length: 400 }, (_, at) => ({ at }));
  const { id } = await scene.propose("echo", { msg: "long", rows });
  await scene.open(id);
  const approve = page.getByRole("button", { name: "Approve" });
  const box = await approve.boundingBox();
  const height = page.viewportSize()?.height ?? 0;
  expect(box !== null && box.y + box.height <= height).toBe(true);
  expect(await approve.isDisabled()).toBe(true);
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await page.locator("button.go:not([disabled])").first().waitFor();
}, 60_000);

test("an end that comes into view without scrolling lets Approve be pressed", async () => {
  const { page } = scene;
  const size = page.viewportSize() ?? { width: 1280, height: 720 };
  const { id } = await scene.propose("echo", { msg: "short" });
  await page.goto(scene.url("#/history"));
  await page.setViewportSize({ ...size, height: 2000 });
  await page.evaluate(() => {
    const above = document.createElement("div");
    above.id = "above";
    above.style.height = "5000px";
    document.body.prepend(above);
    scrollTo(0, 0);
  });
  await scene.open(id);
  const approve = page.getByRole("button", { name: "Approve" });
  expect(await approve.isDisabled()).toBe(true);
  await page.evaluate(() => document.getElementById("above")?.remove());
  await page.locator("button.go:not([disabled])").first().waitFor();
  await page.setViewportSize(size);
}, 60_000);

test("an answer that comes late takes the place of nothing that is looked at", async () => {
  const { page } = scene;
  const [left, right] = [
    await scene.propose("echo", { msg: "left" }),
    await scene.propose("echo", { msg: "right" }),
  ];
  const [asked, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await page.route(`**/proposals/${left.id}`, async (route) => {
    asked.resolve();
    await letGo.promise;
    await route.continue();
  });
  await page.goto(scene.url(`#/waiting/${left.id}`));
  await asked.promise;
  await scene.open(right.id);
  const shown = await page.evaluateHandle(() => {
    const ids: (string | undefined)[] = [];
    new MutationObserver(() => ids.push(document.querySelector("article")?.dataset["id"]))
      .observe(document.body, { childList: true, subtree: true });
    return ids;
  });
  letGo.resolve();
  await page.waitForResponse(`**/proposals/${left.id}`);
  const { id } = await scene.propose("add", { a: 1, b: 2 });
  await page.locator(`.list a[href="#/waiting/${id}"]`).waitFor();
  expect(new Set(await shown.jsonValue())).toEqual(new Set([right.id]));
  await page.unroute(`**/proposals/${left.id}`);
}, 60_000);

test("text that hides or reverses is shown as what it is", async () => {
  const { page } = scene;
  const { id } = await scene.propose("echo", { msg: "a\u202eb\u200bc p\u0430ypal      end" });
  await scene.open(id);
  const marks = await page.locator("mark.odd").allTextContents();
  expect(marks.join(" ")).toContain("\\u202e");
  expect(marks.join(" ")).toContain("\\u200b");
  expect(marks.join(" ")).toContain("\\u0430");
  expect(marks.join(" ")).toContain("\\u0020\\u0020");
  expect(await page.locator(".ascii code").innerText()).toContain("ypal      end");
}, 60_000);

test("a proposal that is taken back makes no room for another under the finger", async () => {
  const page = await scene.page.context().newPage();
  await page.addInitScript(() => localStorage.setItem("openexec.approver", "bob bob-passkey"));
  const waiting = await call(scene.review, "GET", "/proposals?status=pending");
  for (const { id } of waiting.json.proposals) await withdraw(id);
  const shown = await scene.propose("echo", { to: "alice", amount: 10 });
  await scene.propose("echo", { to: "mallory", amount: 99_999 });
  await page.goto(scene.url());
  await page.locator(`article[data-id="${shown.id}"]`).waitFor();
  await withdraw(shown.id);
  await page.getByText("ended as").waitFor();
  expect(await page.locator("article").getAttribute("data-id")).toBe(shown.id);
  expect(await page.locator("button.go").count()).toBe(0);
  await page.close();
}, 60_000);

async function withdraw(id: string): Promise<void> {
  await call(scene.agent, "DELETE", `/proposals/${id}`);
}

test("an equal proposal moves no button on a small screen either", async () => {
  const { page } = scene;
  await page.setViewportSize({ width: 360, height: 640 });
  const rows = Array.from({ length: 60 }, (_, at) => at);
  const { id } = await scene.propose("echo", { small: rows });
  await scene.open(id);
  const decline = page.getByRole("button", { name: "Decline…" });
  const before = await decline.boundingBox();
  await scene.propose("echo", { small: rows });
  await page.getByText("Approve all 2").waitFor();
  expect(await decline.boundingBox()).toEqual(before);
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await page.locator("button.go.all:enabled").waitFor();
  await page.setViewportSize({ width: 1280, height: 720 });
}, 60_000);

test("an equal proposal moves no button, and wipes no reason that is being written", async () => {
  const { page } = scene;
  const rows = Array.from({ length: 60 }, (_, at) => at);
  const { id } = await scene.propose("echo", { again: rows });
  await scene.open(id);
  const decline = page.getByRole("button", { name: "Decline…" });
  const before = await decline.boundingBox();
  await scene.propose("echo", { again: rows });
  await page.getByText("Approve all 2").waitFor();
  expect(await decline.boundingBox()).toEqual(before);
  await decline.click();
  await page.getByLabel("Reason").fill("half of a rea");
  await scene.propose("echo", { again: rows });
  await page.locator(".list a", { hasText: "× 3" }).waitFor();
  expect(await page.getByLabel("Reason").inputValue()).toBe("half of a rea");
}, 60_000);

test("a payload of a hundred thousand lines is shown whole", async () => {
  const { page } = scene;
  const { id } = await scene.propose("echo", { zeros: new Array(100_000).fill(0) });
  await scene.open(id);
  expect(await page.locator("pre.payload .line").count()).toBe(100_004);
}, 120_000);

test("an assertion over one proposal decides no other", async () => {
  const { page } = scene;
  const [meant, other] = [
    await scene.propose("echo", { msg: "meant" }),
    await scene.propose("echo", { msg: "other" }),
  ];
  await scene.open(meant.id);
  const posted = page.waitForRequest((request) => request.method() === "POST");
  await scene.approve();
  const body = (await posted).postData() ?? "";
  await scene.ended(meant.id);
  const replayed = await call(scene.review, "POST", `/proposals/${other.id}/approvals`, body);
  expect([replayed.status, replayed.json.code]).toEqual([403, "approval_action_mismatch"]);
  const late = await call(scene.review, "POST", `/proposals/${meant.id}/approvals`, body);
  expect([late.status, late.json.code]).toEqual([409, "proposal_over"]);
}, 60_000);

test("nothing is signed without the person's presence", async () => {
  const { page, authenticator } = scene;
  const { id } = await scene.propose("echo", { msg: "nobody is there" });
  await scene.open(id);
  await authenticator.setPresence(false);
  let posts = 0;
  page.on("request", (request) => posts += request.method() === "POST" ? 1 : 0);
  await scene.approve();
  await page.getByText("Your device asks for the passkey.").waitFor();
  expect((await call(scene.review, "GET", `/proposals/${id}`)).json.status).toBe("pending");
  expect(posts).toBe(0);
  await page.reload();
  await authenticator.setPresence(true);
  expect((await call(scene.review, "GET", `/proposals/${id}`)).json.status).toBe("pending");
}, 60_000);
