/** The examples that propose: killed, started again, declined. */

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { actionToml } from "../support/action_toml.ts";
import { Daemon, OPENEXEC, openexec } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { testWith } from "../support/tools.ts";
import { until } from "../support/until.ts";
import { ROOT } from "../walkthroughs/checkout.ts";

let daemon: Daemon;
let directory: string;

beforeAll(async () => {
  directory = Deno.makeTempDirSync({ prefix: "openexec-examples-" });
  const at = (name: string) => join(directory, name);
  Deno.mkdirSync(at("notes"));
  const names = ["--keyid", "alice-1", "--name", "alice"];
  const key = execFileSync(OPENEXEC, ["keygen", at("alice.key"), ...names], { encoding: "utf8" });
  const handler = Deno.readTextFileSync(join(ROOT, "examples/actions/write_note.ts"));
  Deno.writeTextFileSync(at("write_note.ts"), handler.replaceAll("/srv/notes", at("notes")));
  const note = actionToml(
    "write_note",
    at("write_note.ts"),
    `allow = { write = ["${at("notes")}"] }`,
  );
  daemon = await Daemon.start({
    directory,
    config: `${note}
[actions.echo]
module = "builtin:echo"
[[approvers]]
name = "alice"
${key}
[[sockets]]
path = "${at("agent.sock")}"
[[sockets]]
path = "${at("review.sock")}"
role = "approver"
`,
  });
});
afterAll(async () => {
  await daemon.close();
  Deno.removeSync(directory, { recursive: true });
});

interface Waiting {
  readonly id: string;
  readonly action: string;
  readonly reason?: string;
  readonly nonce: string;
}

/** What waits under a nonce, once it does. */
async function waiting(nonce: string): Promise<Waiting> {
  let found: Waiting | undefined;
  await until(async () => {
    const { json } = await call(daemon.socket, "GET", `/proposals?nonce=${nonce}`);
    found = json.id === undefined ? undefined : json;
    return found !== undefined;
  });
  if (found === undefined) throw new Error("nothing waits");
  return found;
}

function decide(id: string, ...decision: readonly string[]) {
  const [review, key] = [join(directory, "review.sock"), join(directory, "alice.key")];
  const flags = ["--socket", review, "--key", key, "--yes", "--json"];
  return openexec(daemon, ["decide", id, ...decision, ...flags]);
}

function start(program: string, args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(program, { args: [...args], stdin: "null", stdout: "piped" }).spawn();
}

async function endOf(child: Deno.ChildProcess): Promise<{ code: number; said: string }> {
  const { code, stdout } = await child.output();
  return { code, said: new TextDecoder().decode(stdout) };
}

const proposals = async () => (await call(daemon.socket, "GET", "/proposals")).json.proposals;

describe("examples/agent_loop.ts", () => {
  const loop = (conversation: string) =>
    start(join(ROOT, "scripts/deno"), [
      "run",
      "-A",
      join(ROOT, "examples/agent_loop.ts"),
      daemon.socket,
      conversation,
    ]);

  test("killed and started again it makes no second proposal, and tells the result", async () => {
    const first = loop("one");
    const { id, action, nonce, reason } = await waiting("one/call_1");
    expect([action, nonce, reason]).toEqual([
      "write_note",
      "one/call_1",
      "asked in conversation one",
    ]);
    first.kill("SIGKILL");
    await endOf(first);
    const second = endOf(loop("one"));
    expect(await decide(id, "--approve")).toMatchObject({ code: 0 });
    const { code, said } = await second;
    expect(code).toBe(0);
    expect(said).toContain('The tool said {"written":true}.');
    expect((await proposals()).map((one: Waiting) => one.id)).toEqual([id]);
    expect(await Deno.readTextFile(join(directory, "notes/from_the_model.md"))).toContain(
      "a person approved it",
    );
  });

  test("tells the model why a person declined, and never to try again", async () => {
    const ended = endOf(loop("two"));
    const { id } = await waiting("two/call_1");
    expect((await decide(id, "--decline", "--reason", "not on a Friday")).code).toBe(0);
    const { code, said } = await ended;
    expect(code).toBe(0);
    const told = /The tool said (\{.*\})\./.exec(said)?.[1] ?? "";
    expect(JSON.parse(told)).toEqual({
      error: "proposal_declined",
      detail: "alice: not on a Friday",
      effect: "none",
      retry: "never",
    });
    expect((await call(daemon.socket, "GET", "/executions")).json.executions).toHaveLength(1);
  });
});

describe("examples/propose.py", () => {
  const propose = (nonce: string, payload: string) =>
    start("python3", [
      "-I",
      join(ROOT, "examples/propose.py"),
      daemon.socket,
      nonce,
      "echo",
      payload,
      "asked by a script",
    ]);

  testWith("python3")("killed and started again it makes no second proposal", async () => {
    const first = propose("py-1", '{"msg":"hello"}');
    const { id, reason } = await waiting("py-1");
    expect(reason).toBe("asked by a script");
    first.kill("SIGKILL");
    await endOf(first);
    const second = propose("py-1", '{"msg":"hello"}');
    const ended = endOf(second);
    expect((await decide(id, "--approve")).code).toBe(0);
    expect(await ended).toEqual({ code: 0, said: '{"msg": "hello"}\n' });
    const all: Waiting[] = await proposals();
    expect(all.filter(({ nonce }) => nonce === "py-1")).toHaveLength(1);
  });

  testWith("python3")("is told a decline with its reason, and never to try again", async () => {
    const ended = endOf(propose("py-2", '{"msg":"bye"}'));
    const { id } = await waiting("py-2");
    expect((await decide(id, "--decline", "--reason", "not today")).code).toBe(0);
    const { code, said } = await ended;
    expect(code).toBe(1);
    expect(JSON.parse(said)).toMatchObject({
      code: "proposal_declined",
      effect: "none",
      retry: "never",
      declined_by: "alice",
      reason: "not today",
    });
  });
});
