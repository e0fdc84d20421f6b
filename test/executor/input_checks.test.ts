/** Payloads are decided about by the handler's own schema, where it can do nothing else, before anything is claimed. */

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Refusal } from "../../src/core/errors.ts";
import type { Json } from "../../src/core/types.ts";
import { ECHO, handler, PoolUnderTest } from "./pool_under_test.ts";

let under: PoolUnderTest;
let folder: string;
let listener: Deno.TcpListener;
let connections = 0;

beforeAll(async () => {
  folder = Deno.makeTempDirSync({ prefix: "openexec-checks-" });
  Deno.writeTextFileSync(join(folder, "there"), "readable");
  listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void count(listener);
  under = await PoolUnderTest.start({
    payloads: handler("payloads.ts"),
    other: handler("payloads.ts"),
    checks: handler("checks.ts", {
      allow: {
        net: [`127.0.0.1:${listener.addr.port}`],
        read: [folder],
        write: [folder],
        env: [],
        run: [],
        unix: [],
      },
    }),
    echo: ECHO,
  });
});

afterAll(async () => {
  await under.close();
  listener.close();
  Deno.removeSync(folder, { recursive: true });
});

async function count(listening: Deno.TcpListener): Promise<void> {
  for await (const socket of listening) {
    connections++;
    socket.close();
  }
}

const UID = 1000;

/** "fits", or the code of the refusal. */
async function verdict(action: string, payload: Json): Promise<string> {
  try {
    await under.pool.check(action, JSON.stringify({ action, payload }), UID);
    return "fits";
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.code;
  }
}

const EMOJI = "\u{1F600}";
/** Sixty letters and a space: the pattern goes through every division of the letters. */
const SLOW = { slow: `${"a".repeat(60)} ` };

/** Where JSON Schema, or another engine's patterns, and valibot have said different things. */
const DISPUTED:
  readonly (readonly [what: string, payload: { [name: string]: Json }, fits: boolean])[] = [
    ["five emoji of two UTF-16 units against maxLength(10)", { short: EMOJI.repeat(5) }, true],
    ["six of them", { short: EMOJI.repeat(6) }, false],
    ["19.99 against multipleOf(0.01)", { price: 19.99 }, false],
    ["0.01 against multipleOf(0.01)", { price: 0.01 }, true],
    ["a mail address of a host without a dot", { mail: "a@localhost" }, false],
    ["a mail address", { mail: "a@example.com" }, true],
    ["an IPv4 address with a leading zero", { address: "01.2.3.4" }, false],
    ["an IPv4 address", { address: "1.2.3.4" }, true],
    ["a date and time without seconds", { dateTime: "2026-01-01T12:30" }, true],
    ["a date and time with seconds and a zone", { dateTime: "2026-01-01T12:30:00Z" }, false],
    ["a time without seconds", { time: "12:30" }, true],
    ["a time with seconds and a zone", { time: "12:30:00Z" }, false],
    ["a URL with braces", { link: "https://example.com/{id}" }, true],
    ["text that escapes need no backslash for", { escaped: "@a_b-x/y" }, true],
    ["text that is none of that", { escaped: "\\@a-x/y" }, false],
    ["braces that are no quantifier", { braces: "a{,3}" }, true],
    ["letters that they do not count", { braces: "aa" }, false],
  ];

test.each(DISPUTED)("%s means the same to the check and to the run", async (_, payload, fits) => {
  expect(await verdict("payloads", payload)).toBe(fits ? "fits" : "payload_invalid");
  const outcome = await under.run("payloads", payload);
  expect(outcome.status).toBe(fits ? "succeeded" : "failed");
  if (!fits) {
    expect(under.heard.failures.at(-1)?.reason).toContain("the payload does not fit");
  }
});

test("numbers that print longer than they were written are decided about", async () => {
  const numbers = new Array<number>(400_000).fill(1e20); // 2 MB as it may be written, 8.8 printed
  expect(await verdict("echo", numbers)).toBe("fits");
});

test("a refusal says what the schema expects and where, and nothing of the payload", async () => {
  const request = JSON.stringify({ action: "payloads", payload: { mail: "secret@localhost" } });
  const refusal = { code: "payload_invalid", detail: 'Expected email at "mail".' };
  await expect(under.pool.check("payloads", request, UID)).rejects.toMatchObject(refusal);
});

test("a pattern that backtracks for minutes is refused at the limit, while other actions go on", async () => {
  let isDecided = false;
  const slow = verdict("payloads", SLOW).finally(() => isDecided = true);
  const next = verdict("payloads", { mail: "a@example.com" });
  expect(await verdict("other", { mail: "a@example.com" })).toBe("fits");
  expect(await under.result("other", { mail: "a@example.com" })).toBe("ran");
  expect(await verdict("echo", { a: 1 })).toBe("fits");
  expect(isDecided).toBe(false);
  expect(await slow).toBe("payload_invalid");
  expect(await next).toBe("fits");
});

test.each(["write", "read", "connect"])(
  "a schema that would %s can do nothing before the run",
  async (deed) => {
    const file = join(folder, deed === "read" ? "there" : deed);
    const payload = { do: deed, file, port: listener.addr.port };
    const before = connections;
    expect(await verdict("checks", payload)).toBe("fits");
    expect(connections).toBe(before);
    expect(() => Deno.statSync(join(folder, "write"))).toThrow(Deno.errors.NotFound);
    // in the run the same schema has the permissions of its action, and does it
    expect(await under.result("checks", payload)).toEqual([deed]);
    if (deed === "write") Deno.removeSync(file);
  },
);

const LATE = /within 1000 ms/;

test.each([
  ["throws", "throw", { code: "payload_invalid", detail: expect.not.stringMatching(LATE) }],
  ["does not end", "loop", { code: "payload_invalid", detail: expect.stringMatching(LATE) }],
  ["ends its process", "exit", { code: "executor_unavailable" }],
])("a schema that %s refuses, and the next payload is decided about", async (_, deed, refusal) => {
  const request = JSON.stringify({ action: "checks", payload: { do: deed } });
  await expect(under.pool.check("checks", request, UID)).rejects.toMatchObject(refusal);
  expect(await verdict("checks", { do: "nothing" })).toBe("fits");
});

test("a check gets no more memory than it may have, in each process that takes the place of another", async () => {
  for (let i = 0; i < 2; i++) {
    expect(await verdict("checks", { do: "take" })).toBe("payload_invalid");
    expect(await verdict("checks", { do: "exit" })).toBe("executor_unavailable");
  }
});

test("checks that wait for an end of the pool are refused, and nothing outlives it", async () => {
  const another = await PoolUnderTest.start({ payloads: handler("payloads.ts") });
  const check = () =>
    another.pool.check("payloads", JSON.stringify({ action: "payloads", payload: SLOW }), UID);
  const ends = Promise.allSettled(Array.from({ length: 6 }, check));
  await another.close();
  for (const { status } of await ends) expect(status).toBe("rejected");
  await expect(check()).rejects.toMatchObject({ code: "executor_unavailable" });
});

test("however many payloads of one uid wait, another's has its turn among them", async () => {
  const decided: string[] = [];
  const ask = (uid: number, name: string, payload: Json) =>
    under.pool.check("payloads", JSON.stringify({ action: "payloads", payload }), uid)
      .then(() => "fits", ({ code }) => code)
      .then((verdict) => void decided.push(`${name} ${verdict}`));
  const asked = [
    ...["a1", "a2", "a3"].map((name) => ask(UID, name, SLOW)),
    ask(UID + 1, "b", { short: "x" }),
  ];
  await Promise.all(asked);
  expect(decided).toEqual([
    "a1 payload_invalid", // begins at once
    "a2 payload_invalid",
    "b fits",
    "a3 payload_invalid",
  ]);
});
