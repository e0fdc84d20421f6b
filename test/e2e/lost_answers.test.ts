/** No client says less of a run than that it may have happened, once its daemon is gone. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { OpenExecClient, parseRequest } from "../../src/client/mod.ts";
import { openexec } from "../support/daemon.ts";
import { shared } from "../support/shared.ts";
import { testWith } from "../support/tools.ts";
import { type Approved, Held } from "./held.ts";

const run = promisify(execFile);
const EXAMPLES = new URL("../../examples", import.meta.url).pathname;

const scene = shared(() => Held.start());

/** Sends an approved request by a client, and kills the daemon once the run has started. */
async function killedWhile<T>(
  label: string,
  send: (held: Held, approved: Approved) => Promise<T>,
): Promise<T> {
  const held = await scene();
  const said = send(held, held.approve("once", label, "hold"));
  await held.started(label);
  await held.daemon.stop("SIGKILL");
  const outcome = await said;
  await held.startAgain();
  expect((await held.get(`/executions?nonce=n-${label}`)).json).toMatchObject({
    status: "outcome_unknown",
  });
  return outcome;
}

const byCommand = (...flags: string[]) => (held: Held, approved: Approved) =>
  openexec(held.daemon, ["exec", ...flags, "-"], JSON.stringify(approved));

test("exec ends with 4", async () => {
  const { code, stdout, stderr } = await killedWhile("exec", byCommand());
  expect([code, stdout]).toEqual([4, ""]);
  expect(stderr).toContain("It may have run");
});

test("exec --json says that the effect is unknown", async () => {
  const { code, stderr } = await killedWhile("json", byCommand("--json"));
  expect(code).toBe(4);
  expect(JSON.parse(stderr)).toMatchObject({ code: null, effect: "unknown" });
});

test("the SDK says that the effect is unknown", async () => {
  const error = await killedWhile("sdk", ({ daemon }, approved) => {
    const client = new OpenExecClient({ socketPath: daemon.socket });
    const request = parseRequest(JSON.stringify(approved));
    return client.execute(request).catch((reason) => reason).finally(() => client.close());
  });
  expect(error).toMatchObject({ name: "OpenExecUnreachable", effect: "unknown" });
});

testWith("python3")("the client in Python says that the effect is unknown", async () => {
  const { stdout } = await killedWhile("python", ({ daemon }, approved) =>
    run("python3", [
      "-c",
      `import json, sys
sys.path.insert(0, sys.argv[1])
import openexec_client
try:
    print(openexec_client.OpenExec(sys.argv[2]).execute(**json.loads(sys.argv[3])))
except openexec_client.Unreachable as error:
    print(error.effect)`,
      EXAMPLES,
      daemon.socket,
      JSON.stringify(approved),
    ]));
  expect(stdout.trim()).toBe("unknown");
});

test("the same request is answered with its outcome once the daemon is back", async () => {
  const held = await scene();
  const approved = held.approve("once", "back", "hold");
  const said = byCommand()(held, approved);
  await held.started("back");
  await held.killAndStartAgain();
  const [first, again] = [await said, await byCommand("--json")(held, approved)];
  expect([first.code, again.code]).toEqual([4, 4]);
  expect(JSON.parse(again.stderr)).toMatchObject({ code: "outcome_unknown", effect: "unknown" });
});
