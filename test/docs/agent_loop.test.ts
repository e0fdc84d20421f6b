import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { until } from "../support/until.ts";
import { ROOT } from "./checkout.ts";

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start();
});
afterAll(() => daemon.close());

test("examples/agent_loop.ts runs nothing that a person declined, and tells the model so", async () => {
  const inbox = join(daemon.directory, "inbox");
  mkdirSync(inbox);
  const loop = new Deno.Command(join(ROOT, "scripts/deno"), {
    args: ["run", "-A", join(ROOT, "examples/agent_loop.ts"), daemon.socket, inbox],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const output = loop.output();
  await until(() => existsSync(join(inbox, "call_1.request")));
  expect(JSON.parse(readFileSync(join(inbox, "call_1.request"), "utf8"))).toMatchObject({
    action: "write_note",
    payload: { name: "from_the_model" },
  });
  writeFileSync(join(inbox, "call_1.declined"), "");
  const { code, stdout } = await output;
  expect(code).toBe(0);
  expect(new TextDecoder().decode(stdout)).toContain(
    'The tool said {"error":"declined","effect":"none"}.',
  );
  expect((await call(daemon.socket, "GET", "/executions")).json).toEqual({
    executions: [],
    next: null,
  });
});
