/** `openexec review --web`, as a person starts it, with a real browser and real intruders. */

import type { Browser, BrowserContext } from "playwright-core";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Approver } from "../support/approver.ts";
import { Daemon, OPENEXEC } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { homeAt } from "../support/runtime_cache.ts";
import { signalUnlessEnded } from "../support/signals.ts";
import { until } from "../support/until.ts";
import { launchBrowser } from "./browser.ts";
import { echoConfig } from "./echo_config.ts";

const PORT = 8822;
const BASE = `http://localhost:${PORT}`;
const alice = new Approver("alice");

let daemon: Daemon;
let browser: Browser;
/** Of one person: all tabs are in it. */
let context: BrowserContext;
beforeAll(async () => {
  daemon = await Daemon.start({
    config: (directory) => echoConfig(directory, alice),
  });
  browser = await launchBrowser();
  context = await browser.newContext();
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await daemon?.close();
});

/** A running bridge: what it said, and how it ended. */
interface Running {
  readonly child: Deno.ChildProcess;
  readonly said: () => string;
}

let bridge: Running | undefined;
afterEach(async () => {
  if (bridge !== undefined) signalUnlessEnded(bridge.child, "SIGKILL");
  await bridge?.child.status;
  bridge = undefined;
});

async function startBridge(): Promise<Running> {
  const child = new Deno.Command(OPENEXEC, {
    args: ["review", "--web", "--socket", join(daemon.directory, "review.sock")],
    env: homeAt(daemon.directory),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let text = "";
  void (async () => {
    for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) text += part;
  })();
  bridge = { child, said: () => text };
  await until(() => /file:\S+/.test(text));
  return bridge;
}

function fileOf({ said }: Running): string {
  return /file:\S+/.exec(said())?.[0] ?? "";
}

function tokenOf(running: Running): string {
  const html = Deno.readTextFileSync(new URL(fileOf(running)));
  return /#link=([\w-]+)/.exec(html)?.[1] ?? "";
}

test("the link opens the page, which shows what waits, live", async () => {
  const running = await startBridge();
  expect((Deno.statSync(new URL(fileOf(running))).mode ?? 0) & 0o777).toBe(0o600);
  const page = await context.newPage();
  await page.goto(fileOf(running));
  await page.locator('#live[data-state="live"]').waitFor();
  const agent = join(daemon.directory, "agent.sock");
  await call(agent, "POST", "/proposals", { action: "echo", payload: { msg: "bridged" } });
  await page.locator(".list a", { hasText: "echo" }).waitFor();
  expect(page.url()).not.toContain("link=");
  await page.close();
}, 60_000);

test("an agent or another user who finds the port gets the empty page, and no more", async () => {
  const running = await startBridge();
  const page = await fetch(`${BASE}/review`);
  expect([page.status, await page.text()]).toEqual([
    200,
    expect.not.stringContaining("openexec:test"),
  ]);
  for (const path of ["/", "/proposals", "/events", "/executions"]) {
    expect((await fetch(BASE + path)).status).toBe(403);
    const guessed = { authorization: `Bearer ${"A".repeat(43)}` };
    expect((await fetch(BASE + path, { headers: guessed })).status).toBe(403);
  }
  const posted = await fetch(`${BASE}/bridge/session`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-openexec": "1" },
    body: JSON.stringify({ token: "guessed" }),
  });
  expect(posted.status).toBe(403);
  expect(running.said()).not.toContain(tokenOf(running));
}, 60_000);

test("a link that is used a second time ends the bridge, with a warning", async () => {
  const running = await startBridge();
  const exchange = () =>
    fetch(`${BASE}/bridge/session`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-openexec": "1" },
      body: JSON.stringify({ token: tokenOf(running) }),
    });
  const { bearer } = await (await exchange()).json();
  const own = { headers: { authorization: `Bearer ${bearer}` } };
  expect((await fetch(`${BASE}/proposals`, own)).status).toBe(200);
  await exchange().then((answer) => answer.body?.cancel(), () => {});
  expect((await running.child.status).code).toBe(2);
  expect(running.said()).toContain("used a second time");
  await expect(fetch(`${BASE}/review`)).rejects.toThrow();
}, 60_000);

test("a second tab without the bearer shows nothing; a reload asks for a new link", async () => {
  const running = await startBridge();
  const page = await context.newPage();
  await page.goto(fileOf(running));
  await page.locator('#live[data-state="live"]').waitFor();
  const second = await context.newPage();
  await second.goto(`${BASE}/review`);
  await second.locator("#alert:not([hidden])").waitFor();
  expect(await second.locator(".list").count()).toBe(0);
  expect(await second.locator("#audience").textContent()).toBe("");
  await page.close();
  await second.close();
}, 60_000);

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s ends it and its link", async (signal) => {
  const running = await startBridge();
  const file = new URL(fileOf(running));
  await until(() => running.said().includes("Ctrl-C"));
  const socket = join(daemon.directory, "review.sock");
  expect(running.said()).toContain(`ssh -L ${PORT}:${socket} HOST`);
  running.child.kill(signal);
  expect((await running.child.status).code).toBe(0);
  await expect(Deno.stat(new URL(".", file))).rejects.toThrow(Deno.errors.NotFound);
}, 60_000);

test("where the port is taken there is no bridge", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: PORT });
  try {
    const child = new Deno.Command(OPENEXEC, {
      args: ["review", "--web", "--socket", join(daemon.directory, "review.sock")],
      env: homeAt(daemon.directory),
      stdin: "null",
    });
    const { code, stderr } = await child.output();
    const said = new TextDecoder().decode(stderr);
    expect([code, said]).toEqual([2, expect.stringContaining(`port ${PORT}`)]);
  } finally {
    listener.close();
  }
}, 60_000);
