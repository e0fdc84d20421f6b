/** No client says less of a run than that it may have happened, once its daemon is gone. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { OpenExecClient, parseRequest } from "../../src/client/mod.ts";
import { openexec } from "../support/daemon.ts";
import { shared, sharedStep } from "../support/shared.ts";
import { has, testWith } from "../support/tools.ts";
import { type Approved, Held } from "./held.ts";

const run = promisify(execFile);
const EXAMPLES = new URL("../../examples", import.meta.url).pathname;

const scene = shared(() => Held.start({ actions: ["once"], concurrency: 5 }));

/** What each client said of its run when the daemon was killed; a successor runs. */
interface Lost {
  readonly exec: Ended;
  readonly json: Ended;
  readonly sdk: unknown;
  /** null where there is no Python. */
  readonly python: string | null;
  readonly back: { readonly approved: Approved; readonly said: Ended };
}

type Ended = Awaited<ReturnType<typeof openexec>>;

/** All of them lose their answers by one death. */
const lost = sharedStep(async (): Promise<Lost> => {
  const held = await scene();
  const sent: string[] = [];
  const send = <T>(label: string, by: (held: Held, approved: Approved) => Promise<T>) => {
    sent.push(label);
    return by(held, held.approve("once", label, "hold"));
  };
  const back = held.approve("once", "back", "hold");
  const said = Promise.all([
    send("exec", byCommand()),
    send("json", byCommand("--json")),
    send("sdk", bySdk),
    has("python3") ? send("python", byPython) : null,
    send("back", () => byCommand()(held, back)),
  ]);
  await Promise.all(sent.map((label) => held.started(label)));
  await held.daemon.stop("SIGKILL");
  const [exec, json, sdk, python, saidBack] = await said;
  await held.startAgain();
  return { exec, json, sdk, python, back: { approved: back, said: saidBack } };
});

/** The daemon does not know what came of it either. */
async function expectUnknown(label: string): Promise<void> {
  const held = await scene();
  expect((await held.get(`/executions?nonce=n-${label}`)).json).toMatchObject({
    status: "outcome_unknown",
  });
}

const byCommand = (...flags: string[]) => (held: Held, approved: Approved) =>
  openexec(held.daemon, ["exec", ...flags, "-"], JSON.stringify(approved));

function bySdk({ daemon }: Held, approved: Approved): Promise<unknown> {
  const client = new OpenExecClient({ socketPath: daemon.socket });
  const request = parseRequest(JSON.stringify(approved));
  return client.execute(request).catch((reason) => reason).finally(() => client.close());
}

async function byPython({ daemon }: Held, approved: Approved): Promise<string> {
  const { stdout } = await run("python3", [
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
  ]);
  return stdout.trim();
}

test("exec ends with 4", async () => {
  const { exec: { code, stdout, stderr } } = await lost();
  expect([code, stdout]).toEqual([4, ""]);
  expect(stderr).toContain("It may have run");
  await expectUnknown("exec");
});

test("exec --json says that the effect is unknown", async () => {
  const { json: { code, stderr } } = await lost();
  expect(code).toBe(4);
  expect(JSON.parse(stderr)).toMatchObject({ code: null, effect: "unknown" });
  await expectUnknown("json");
});

test("the SDK says that the effect is unknown", async () => {
  const { sdk } = await lost();
  expect(sdk).toMatchObject({ name: "OpenExecUnreachable", effect: "unknown" });
  await expectUnknown("sdk");
});

testWith("python3")("the client in Python says that the effect is unknown", async () => {
  const { python } = await lost();
  expect(python).toBe("unknown");
  await expectUnknown("python");
});

test("the same request is answered with its outcome once the daemon is back", async () => {
  const { back: { approved, said } } = await lost();
  const again = await byCommand("--json")(await scene(), approved);
  expect([said.code, again.code]).toEqual([4, 4]);
  expect(JSON.parse(again.stderr)).toMatchObject({ code: "outcome_unknown", effect: "unknown" });
});
