/** examples/check_receipt.mjs, which has nothing of ours in it, on what the real daemon and `openexec show` hand out. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { Approver, request } from "../support/approver.ts";
import { Daemon, openexec } from "../support/daemon.ts";
import { call } from "../support/http.ts";

const SCRIPT = new URL("../../examples/check_receipt.mjs", import.meta.url).pathname;
const alice = new Approver("alice");
const asked = request("echo", { msg: "hello", "é": [1.5, null, { b: 1, a: "\u2028" }] });
const REQUEST = JSON.stringify({ payload: asked.payload, action: asked.action });
let daemon: Daemon;
let shown = "";

beforeAll(async () => {
  daemon = await Daemon.start({
    config:
      `executor_id = "openexec:test"\n${alice.toml()}\n[actions.echo]\nmodule = "builtin:echo"\n`,
  });
  const others = [1, 2, 3, 4].map((n) => alice.approve(request("echo", { n })));
  for (const body of [...others.slice(0, 2), alice.approve(asked), ...others.slice(2)]) {
    expect((await call(daemon.socket, "POST", "/execute", body)).status).toBe(200);
  }
  shown = (await openexec(daemon, ["show", "--json", asked.nonce])).stdout;
});
afterAll(() => daemon.close());

interface Checked {
  readonly code: number;
  readonly stdout: string;
}

async function check(text: string, more: readonly string[] = [REQUEST]): Promise<Checked> {
  const file = `${daemon.directory}/receipt.json`;
  await Deno.writeTextFile(file, text);
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-read",
      SCRIPT,
      file,
      `${daemon.directory}/state/executor.pub`,
      ...more,
    ],
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout) };
}

const verdicts = ({ stdout }: Checked) =>
  stdout.match(/^(ok|FAILED) /gm)?.map((word) => word.trim());

test("a receipt that the daemon wrote passes every check", async () => {
  const checked = await check(shown);
  expect(verdicts(checked)).toEqual(["ok", "ok", "ok", "ok", "ok", "ok"]);
  expect(checked.code).toBe(0);
});

/** Another first character of what the last group of `pattern` matches. */
function changed(pattern: RegExp): string {
  const text = shown.replace(
    pattern,
    (_, before: string, first: string) => before + (first === "A" ? "B" : "A"),
  );
  expect(text).not.toBe(shown);
  return text;
}

test.each([
  ["the executor signed this receipt", /("sig":")(.)/],
  ["the executor signed this receipt", /("payloadType":"application\/vnd.openexec.)(.)/],
  ["it is of this action and payload", /("salts":\{"request":")(.)/],
  ["it is of this result", /("msg":")(.)/],
  ["it is in the log of 6 entries", /(\\nindex \d\\n)(.)/],
  ["it is in the log of 6 entries", /(\\nindex 3\\n[^\\]+\\n)(.)/],
  ["the executor signed the checkpoint of that log", /(\u2014 openexec:test\/log .{20})(.)/],
])("%s: not so once %s is another character", async (what, pattern) => {
  const checked = await check(changed(pattern));
  expect(checked.stdout).toContain(`FAILED ${what}`);
  expect(checked.code).toBe(1);
});

test("another entry's place, and a tree of another size, are none of its", async () => {
  const elsewhere = await check(shown.replace("\\nindex 3\\n", "\\nindex 2\\n"));
  expect(elsewhere.stdout).toContain("FAILED it is in the log of 6 entries");
  const larger = await check(shown.replace("/log\\n6\\n", "/log\\n7\\n"));
  expect(larger.stdout).toContain("FAILED the executor signed the checkpoint of that log");
});

test.each([
  [
    "another status",
    '"status":"succeeded"',
    '"status":"failed"',
    "the file shows the execution of the receipt",
  ],
  [
    "another action",
    '"action":"echo"',
    '"action":"add"',
    "the file shows the execution of the receipt",
  ],
  [
    "another result, said to be pruned",
    '"result":',
    '"result_pruned":true,"result":1,"was":',
    "it is of this result",
  ],
  ["a place past the end", "\\nindex 3\\n", "\\nindex 11\\n", "it is in the log of 6 entries"],
])("a file that shows %s does not pass", async (_, was, is, what) => {
  expect(shown).toContain(was);
  const { code, stdout } = await check(shown.replace(was, is));
  expect(stdout).toContain(`FAILED ${what}`);
  expect(code).toBe(1);
});

test("another payload than was approved, and another executor's key, do not pass", async () => {
  const { code, stdout } = await check(shown, ['{"action":"echo","payload":{"msg":"goodbye"}}']);
  expect(stdout).toContain("FAILED it is of this action and payload");
  expect(code).toBe(1);
  const key = `${daemon.directory}/state/executor.pub`;
  const own = await Deno.readTextFile(key);
  await Deno.writeTextFile(key, alice.publicKey);
  expect(verdicts(await check(shown))).toEqual(["FAILED", "ok", "ok", "ok", "ok", "FAILED"]);
  await Deno.writeTextFile(key, own);
});

test("without a receipt and a key it says what it takes, and checks nothing", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-read", SCRIPT, "receipt.json"],
  }).output();
  expect([code, stdout.length]).toEqual([2, 0]);
  expect(new TextDecoder().decode(stderr)).toMatch(/^usage: .*\n$/);
});
