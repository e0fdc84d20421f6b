import { afterEach, beforeEach, expect, test } from "vitest";
import { Approver, request } from "../support/approver.ts";
import { Daemon, openexec } from "../support/daemon.ts";
import { call } from "../support/http.ts";

const approver = new Approver("alice");
const CONFIG = `executor_id = "openexec:test"\n${approver.toml()}`;

let directory: string;
beforeEach(() => directory = Deno.makeTempDirSync({ prefix: "openexec-anchor-" }));
afterEach(() => Deno.removeSync(directory, { recursive: true }));

/** Runs a daemon, has it execute one request, and ends it. */
async function executeOnce(config?: string): Promise<void> {
  const daemon = await Daemon.start({ directory, ...(config === undefined ? {} : { config }) });
  const { status } = await call(daemon.socket, "POST", "/execute", approver.approve(request("echo", {})));
  expect(status).toBe(200);
  expect((await daemon.stop()).code).toBe(0);
}

/** Puts the state directory back to what it was before one more execution. */
async function rollBack(): Promise<void> {
  const [state, kept] = [`${directory}/state`, `${directory}/kept`];
  await new Deno.Command("cp", { args: ["-a", state, kept] }).output();
  await executeOnce();
  Deno.removeSync(state, { recursive: true });
  Deno.renameSync(kept, state);
}

test("a state directory that was rolled back behind its anchor refuses to start", async () => {
  Deno.mkdirSync(`${directory}/elsewhere`);
  await executeOnce(`anchor = "${directory}/elsewhere/checkpoint"\n${CONFIG}`);
  await executeOnce();
  await rollBack();
  const refused = await openexec({ directory, socket: "" }, ["serve"]);
  expect([refused.code, refused.stdout]).toEqual([2, ""]);
  expect(refused.stderr).toContain("elsewhere/checkpoint");
});

test("without an anchor it is not noticed, as docs/guarantees.md says", async () => {
  await executeOnce(CONFIG);
  await rollBack();
  await executeOnce();
});
