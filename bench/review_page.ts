/**
 * How long the review page takes from its address to the question, in Chromium over a port that a
 * real sshd forwards to the socket.
 */

import { join } from "node:path";
import { launchBrowser } from "../test/page/browser.ts";
import { echoConfig } from "../test/page/echo_config.ts";
import { forwardPort } from "../test/page/forwarded_port.ts";
import { Approver } from "../test/support/approver.ts";
import { Daemon } from "../test/support/daemon.ts";
import { call } from "../test/support/http.ts";
import type { Table } from "./table.ts";

const VISITS = 10;
const alice = new Approver("alice");

/** Each visit has a browser profile of its own. The first one has the daemon read the page. */
export async function reviewPage(table: Table): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const daemon = await Daemon.start({ config: (directory) => echoConfig(directory, alice) });
  stack.defer(() => daemon.close());
  const review = join(daemon.directory, "review.sock");
  const forwarded = await forwardPort(daemon.directory, review);
  stack.defer(() => forwarded.close());
  const browser = await launchBrowser();
  stack.defer(() => browser.close());
  const asked = { action: "echo", payload: { to: "ada", amount: 4200 } };
  const agent = join(daemon.directory, "agent.sock");
  const { json } = await call(agent, "POST", "/proposals", asked);
  const times: number[] = [];
  for (let visit = 0; visit <= VISITS; visit++) {
    const context = await browser.newContext();
    await context.addInitScript(() => localStorage.setItem("openexec.approver", "alice key"));
    const page = await context.newPage();
    const startMs = performance.now();
    await page.goto(`http://localhost:${forwarded.port}/review#/waiting/${json.id}`);
    await page.getByRole("button", { name: "Approve", exact: true }).waitFor();
    times.push(performance.now() - startMs);
    await context.close();
  }
  const [firstMs = NaN, ...later] = times;
  later.sort((a, b) => a - b);
  const [bestMs = NaN] = later;
  const medianMs = later[VISITS / 2] ?? NaN;
  const worstMs = later.at(-1) ?? NaN;
  table.add("page", "address to question over ssh -L", { firstMs, bestMs, medianMs, worstMs });
}
