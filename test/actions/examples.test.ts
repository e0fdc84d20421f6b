/** The worked examples in the box, with the permissions of their headers and stand-ins outside. */

import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ActionConfig } from "../../src/config/config.ts";
import { handler, PoolUnderTest } from "../executor/pool_under_test.ts";

const EXAMPLES = new URL("../../examples/actions/", import.meta.url).pathname;
const NOTHING = { net: [], read: [], write: [], env: [], run: [], unix: [] };

let folder: string;
let server: Server;
let under: PoolUnderTest;
const asked: { headers: IncomingHttpHeaders; body: string }[] = [];
let answer: { status: number; body: string };

/** An example as it is shipped, but for one constant that becomes a stand-in. */
function example(name: string, constant: string, standIn: string, changes: Partial<ActionConfig>) {
  const text = Deno.readTextFileSync(join(EXAMPLES, name));
  expect(text).toContain(`= "${constant}";`);
  const file = join(folder, name);
  Deno.writeTextFileSync(file, text.replaceAll(`= "${constant}";`, `= "${standIn}";`));
  return handler(file, changes);
}

beforeAll(async () => {
  folder = Deno.makeTempDirSync({ prefix: "openexec-examples-" });
  Deno.mkdirSync(join(folder, "notes"));
  Deno.writeTextFileSync(join(folder, "stripe_key"), "sk_test_4242424242\n");
  const program = join(folder, "systemctl");
  Deno.writeTextFileSync(
    program,
    '#!/bin/sh\n[ "$3" = nginx.service ] || { echo "no $3" >&2; exit 5; }\n' +
      `echo "$#:$*" > ${folder}/called\n`,
    { mode: 0o755 },
  );
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    asked.push({ headers: request.headers, body });
    response.writeHead(answer.status, { "Content-Type": "application/json" }).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const host = `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  under = await PoolUnderTest.start({
    write_note: example("write_note.ts", "/srv/notes", join(folder, "notes"), {
      allow: { ...NOTHING, write: [join(folder, "notes")] },
    }),
    charge_card: example(
      "charge_card.ts",
      "https://api.example.com/v1/charges",
      `http://${host}/v1/charges`,
      {
        allow: { ...NOTHING, net: [host] },
        secrets: new Map([["stripe_key", join(folder, "stripe_key")]]),
      },
    ),
    restart_service: example("restart_service.ts", "/usr/bin/systemctl", program, {
      allow: { ...NOTHING, run: [program] },
      unconfined: true,
    }),
  });
});

afterAll(async () => {
  await under.close();
  server.close();
  Deno.removeSync(folder, { recursive: true });
});

test("write_note writes once", async () => {
  const note = { name: "standup", text: "all is well" };
  expect(await under.result("write_note", note)).toEqual({ written: true });
  expect(await under.result("write_note", { ...note, text: "changed" })).toEqual({
    written: false,
  });
  expect(Deno.readTextFileSync(join(folder, "notes/standup.md"))).toBe("all is well");
});

test.each(["../outside", "/etc/cron.d/x", "a/b", "", "a.b"])(
  "write_note takes no %j for a name",
  async (name) => {
    expect(await under.run("write_note", { name, text: "x" })).toMatchObject({
      code: "handler_failed",
    });
  },
);

const CHARGE = { customer: "cus_1", amount: 1_999, currency: "eur" };

test("charge_card asks the permitted host, once per idempotency key, with its secret", async () => {
  answer = { status: 200, body: '{"id":"ch_1","status":"succeeded","card":"4111"}' };
  asked.length = 0;
  const slot = under.pool.acquire("charge_card");
  const { outcome } = await under.start(slot, "charge_card", CHARGE, "execution-of-charge");
  expect(outcome).toEqual({
    status: "succeeded",
    resultText: '{"id":"ch_1","status":"succeeded"}',
  });
  expect(asked).toEqual([{
    headers: expect.objectContaining({
      authorization: "Bearer sk_test_4242424242",
      "idempotency-key": "key of execution-of-charge",
    }),
    body: JSON.stringify(CHARGE),
  }]);
});

test("charge_card fails when the service refuses, and keeps its answer to itself", async () => {
  answer = { status: 402, body: '{"declined":"4111"}' };
  expect(await under.run("charge_card", CHARGE)).toMatchObject({ code: "handler_failed" });
  expect(JSON.stringify(under.heard)).not.toContain("4111");
});

test("charge_card fails when the answer is not what it should be, or leads elsewhere", async () => {
  answer = { status: 200, body: '{"id":1}' };
  expect(await under.run("charge_card", CHARGE)).toMatchObject({ code: "handler_failed" });
  answer = { status: 307, body: "" };
  expect(await under.run("charge_card", CHARGE)).toMatchObject({ code: "handler_failed" });
});

test.each([{ amount: 0 }, { amount: 1.5 }, { amount: 100_001 }, { customer: "cus_1/../x" }, {
  currency: "EUR",
}])(
  "charge_card takes no %j",
  async (change) => {
    asked.length = 0;
    expect(await under.run("charge_card", { ...CHARGE, ...change })).toMatchObject({
      code: "handler_failed",
    });
    expect(asked).toEqual([]);
  },
);

test("restart_service runs one program with one argument vector", async () => {
  expect(await under.result("restart_service", { service: "nginx.service" })).toEqual({
    restarted: "nginx.service",
  });
  expect(Deno.readTextFileSync(join(folder, "called"))).toBe("3:restart -- nginx.service\n");
});

test("restart_service fails when the program does, and logs what it said", async () => {
  expect(await under.run("restart_service", { service: "postgresql.service" })).toMatchObject({
    code: "handler_failed",
  });
  expect(under.heard.lines.map(({ text }) => text)).toContain("no postgresql.service");
});

test.each(["sshd.service", "nginx.service; reboot", "--force", ""])(
  "restart_service takes no %j",
  async (service) => {
    expect(await under.run("restart_service", { service })).toMatchObject({
      code: "handler_failed",
    });
  },
);
