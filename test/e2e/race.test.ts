import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Approver, request } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";

const PROCESSES = 8;
const NONCES = 50;
const CALLERS = 200;

const approver = new Approver("alice");
const handler = new URL("handlers/leave_mark.ts", import.meta.url).pathname;
let daemon: Daemon;
let marks: string;

beforeAll(async () => {
  marks = Deno.makeTempDirSync();
  const digest = createHash("sha256").update(Deno.readFileSync(handler)).digest("hex");
  daemon = await Daemon.start({
    config: `executor_id = "openexec:test"
${approver.toml()}
[actions.leave_mark]
module = "${handler}"
digest = "sha256:${digest}"
concurrency = 4
isolation = "reuse"
allow = { write = ["${marks}"] }
`,
  });
});

afterAll(async () => {
  await daemon.close();
  Deno.removeSync(marks, { recursive: true });
});

async function callFromProcess(
  requests: readonly unknown[],
): Promise<{ status: number; code: string | null }[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      new URL("../support/caller.ts", import.meta.url).pathname,
      daemon.socket,
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(requests)));
  await writer.close();
  return JSON.parse(new TextDecoder().decode((await child.output()).stdout));
}

/** Every caller sends until its nonce is settled: busy and in flight are answers that ask for the same request again. */
async function callUntilSettled(requests: readonly unknown[]): Promise<number> {
  let rest = requests;
  let succeeded = 0;
  while (rest.length > 0) {
    const answers = await callFromProcess(rest);
    const again = answers.map(({ code }) =>
      code === "executor_busy" || code === "execution_in_flight"
    );
    const odd = answers.filter(({ status }, i) => status !== 200 && !again[i]);
    expect(odd).toEqual([]);
    succeeded += answers.filter(({ status }) => status === 200).length;
    rest = rest.filter((_, i) => again[i]);
  }
  return succeeded;
}

test("200 callers from 8 processes on 50 nonces start the handler 50 times", async () => {
  const approved = Array.from(
    { length: NONCES },
    (_, i) =>
      approver.approve(request("leave_mark", { folder: marks, label: `n${i}` }, `race-${i}`)),
  );
  const callers = Array.from({ length: CALLERS }, (_, i) => approved[i % NONCES]);
  const shares = Array.from(
    { length: PROCESSES },
    (_, p) => callers.filter((_, i) => i % PROCESSES === p),
  );
  const succeeded = await Promise.all(shares.map(callUntilSettled));
  expect(succeeded.reduce((sum, n) => sum + n)).toBe(CALLERS);
  const labels = [...Deno.readDirSync(marks)].map(({ name }) => name.split(".")[0]);
  expect(labels.length).toBe(NONCES);
  expect(new Set(labels).size).toBe(NONCES);
}, 120_000);
