/**
 * A daemon with an approver's socket, a port that a real sshd forwards to it, and a browser whose
 * passkey its configuration knows.
 */

import type { Browser, Page } from "playwright-core";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { Approver } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { call, type HttpAnswer } from "../support/http.ts";
import { until } from "../support/until.ts";
import { type Authenticator, launchBrowser, openPage } from "./browser.ts";
import { type ForwardedPort, forwardPort } from "./forwarded_port.ts";

export const alice = new Approver("alice");
export const carol = new Approver("carol");

export class ReviewScene {
  private constructor(
    public daemon: Daemon,
    readonly forwarded: ForwardedPort,
    readonly browser: Browser,
    readonly page: Page,
    readonly authenticator: Authenticator,
  ) {}

  /** Starts everything, and enrols a passkey of bob through the page, as a person would. */
  static async start(): Promise<ReviewScene> {
    const directory = Deno.makeTempDirSync({ prefix: "openexec-page-" });
    const daemon = await Daemon.start({ directory, config: configOf(directory, "") });
    const review = join(daemon.directory, "review.sock");
    const forwarded = await forwardPort(daemon.directory, review);
    const browser = await launchBrowser();
    const { page, authenticator } = await openPage(browser);
    const scene = new ReviewScene(daemon, forwarded, browser, page, authenticator);
    await page.goto(scene.url("#/passkey"));
    await page.getByLabel("Approver").fill("bob");
    await page.getByLabel("Name of the key").fill("bob-passkey");
    await page.getByRole("button", { name: "Enrol a passkey" }).click();
    const lines = await page.locator("pre.config").textContent() ?? "";
    daemon.configure(configOf(daemon.directory, lines));
    daemon.process.kill("SIGHUP");
    await until(() => daemon.output.some((line) => /reload/i.test(line)));
    return scene;
  }

  url(hash = ""): string {
    return `http://localhost:${this.forwarded.port}/review${hash}`;
  }

  get agent(): string {
    return join(this.daemon.directory, "agent.sock");
  }

  get review(): string {
    return join(this.daemon.directory, "review.sock");
  }

  /** Proposes as an agent does. Returns the proposal. */
  async propose(
    action: string,
    payload: unknown,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<HttpAnswer["json"]> {
    const { status, json } = await call(this.agent, "POST", "/proposals", {
      action,
      payload,
      ...more,
    });
    if (status !== 202) throw new Error(`not proposed: ${JSON.stringify(json)}`);
    return json;
  }

  /** Waits for the end of a proposal, as an agent does. */
  async ended(id: string): Promise<HttpAnswer["json"]> {
    const headers = { prefer: "wait=30" };
    const { json } = await call(this.agent, "GET", `/proposals/${id}`, undefined, headers);
    return json;
  }

  async open(id: string): Promise<void> {
    await this.page.goto(this.url(`#/waiting/${id}`));
    await this.page.locator(`article[data-id="${id}"]`).waitFor();
  }

  /** Reads what is shown to its end, and presses a button of the question. */
  async approve(button = "Approve"): Promise<void> {
    await this.page.locator(".question").waitFor();
    await this.page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await this.page.getByRole("button", { name: button }).click();
  }

  /** Has the executor's key changed, as docs/operations.md says. */
  async rotate(): Promise<void> {
    const { directory } = this.daemon;
    const key = generateKeyPairSync("ed25519").privateKey;
    const pem = String(key.export({ type: "pkcs8", format: "pem" }));
    Deno.writeTextFileSync(join(directory, "state/keys/executor.next.key"), pem, { mode: 0o600 });
    await this.daemon.stop();
    this.daemon = await Daemon.start({ directory });
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.forwarded.close();
    await this.daemon.close();
    Deno.removeSync(this.daemon.directory, { recursive: true });
  }
}

function configOf(directory: string, approvers: string): string {
  return `executor_id = "openexec:test"
${alice.toml()}
${carol.toml()}
${approvers}
[actions.echo]
module = "builtin:echo"
[actions.add]
module = "builtin:add"
approvals = 2
[actions.charge_card]
module = "builtin:echo"
approvals = 2
[actions.restart_service]
module = "builtin:echo"
[actions.delete_rows]
module = "builtin:echo"
[[sockets]]
path = "${directory}/agent.sock"
[[sockets]]
path = "${directory}/review.sock"
role = "approver"
[[sockets]]
path = "${directory}/admin.sock"
role = "admin"
`;
}
