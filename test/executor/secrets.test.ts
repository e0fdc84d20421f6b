/** Secrets reach the handlers that were granted them, and nobody after that. */

import { Buffer } from "node:buffer";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readSecrets, Scrubber } from "../../src/executor/secrets.ts";
import { handler, PoolUnderTest } from "./pool_under_test.ts";

const SECRET = "s3cr3t/with+odd chars?&=\u00e9";
const PIN = "20261122";

let under: PoolUnderTest;
let folder: string;

beforeAll(async () => {
  folder = Deno.makeTempDirSync({ prefix: "openexec-secrets-" });
  Deno.writeTextFileSync(join(folder, "api_key"), `${SECRET}\n`);
  Deno.writeTextFileSync(join(folder, "pin"), PIN);
  const secrets = new Map([["api_key", join(folder, "api_key")], ["pin", join(folder, "pin")]]);
  under = await PoolUnderTest.start({
    granted: handler("tells.ts", { secrets }),
    other: handler("tells.ts"),
  });
});

afterAll(async () => {
  await under.close();
  Deno.removeSync(folder, { recursive: true });
});

/** Whether any spelling of the secret that must not come through did. */
function tells(text: string): boolean {
  const bytes = Buffer.from(SECRET);
  const spellings = [
    SECRET,
    bytes.toString("base64"),
    bytes.toString("base64url"),
    encodeURIComponent(SECRET),
  ];
  return spellings.some((spelling) =>
    text.includes(spelling) || text.includes(JSON.stringify(spelling).slice(1, -1))
  );
}

test("a handler gets the secrets it was granted, without the line break at their end", async () => {
  expect(await under.result("granted", { by: "names" })).toEqual(["api_key", "pin"]);
});

test("another handler gets none", async () => {
  expect(await under.result("other", { by: "names" })).toEqual([]);
});

test("a result names the secret in place of every spelling of it", async () => {
  const mark = "[secret api_key]";
  const result = await under.result("granted", { by: "result" });
  expect(result).toMatchObject({
    exact: mark,
    inside: `before ${mark} after`,
    base64: expect.stringContaining(mark),
    base64url: expect.stringContaining(mark),
    basic: expect.stringContaining(mark),
    url: mark,
    form: `key=${mark}`,
  });
  expect(tells(JSON.stringify(result))).toBe(false);
});

test("nor is it left in names of members, or as digits of a number", async () => {
  expect(await under.result("granted", { by: "key" })).toEqual({ "[secret api_key]": 1 });
  expect(await under.result("granted", { by: "number" })).toBe("[secret pin]");
});

test.each(["log", "console", "error", "stderr"])(
  "by way of %s it does not reach the log",
  async (by) => {
    await under.run("granted", { by });
    const { lines, failures, deaths } = under.heard;
    const said = JSON.stringify([lines, failures, deaths]);
    expect(said).toContain("[secret api_key]");
    expect(tells(said)).toBe(false);
    lines.length = failures.length = deaths.length = 0;
  },
);

test("Scrubber finds a secret in whatever text stands around it, encoded along with it or not", () => {
  const secret = fc.string({ unit: "grapheme", minLength: 8, maxLength: 40 }).filter((text) =>
    text.isWellFormed()
  );
  fc.assert(fc.property(secret, fc.string(), fc.string(), (secret, before, after) => {
    const scrubber = new Scrubber(new Map([["name", secret]]));
    expect(scrubber.text(before + secret + after)).not.toContain(secret);
    const encoded = Buffer.from(before.toWellFormed() + secret + after.toWellFormed()).toString(
      "base64",
    );
    const inner = Buffer.from(secret).toString("base64").replace(/..?={0,2}$/, "");
    expect(scrubber.text(encoded) === encoded && encoded.includes(inner)).toBe(false);
    expect(scrubber.text(`https://x/?q=${encodeURIComponent(secret)}`)).not.toContain(
      encodeURIComponent(secret),
    );
  }));
});

test("Scrubber leaves alone what has no secret in it", () => {
  const scrubber = new Scrubber(new Map([["name", "a-secret-that-nobody-says"]]));
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    expect(scrubber.text(JSON.stringify(value))).toBe(JSON.stringify(value));
  }));
});

test("Scrubber takes out the longer of two secrets that begin alike, and the lines of one that has many", () => {
  const pem = `-----BEGIN KEY-----\n${"A1b2".repeat(16)}\n${"C3d4".repeat(16)}\n-----END KEY-----`;
  const scrubber = new Scrubber(
    new Map([["short", "prefix"], ["long", "prefix-and-more"], ["pem", pem]]),
  );
  expect(scrubber.text("prefix-and-more prefix")).toBe("[secret long] [secret short]");
  expect(scrubber.text(`only ${"C3d4".repeat(16)} of it`)).toBe("only [secret pem] of it");
});

test.each([
  ["one line", "aB3/".repeat(2 ** 13)],
  ["many lines", Array.from({ length: 5_000 }, (_, i) => `${i}`.padStart(20, "x+")).join("\n")],
])("Scrubber takes out a secret of 32 KiB and more: %s", (_, secret) => {
  const scrubber = new Scrubber(new Map([["k", secret]]));
  expect(scrubber.idle).toBe(false);
  expect(scrubber.text("hello")).toBe("hello");
  expect(scrubber.text(`a ${secret} b`)).toBe("a [secret k] b");
  expect(scrubber.text(`a ${encodeURIComponent(secret)} b`)).toBe("a [secret k] b");
});

test("a secret that is missing, too short or no text refuses the start and says which one", async () => {
  Deno.writeTextFileSync(join(folder, "short"), "abc\n");
  Deno.writeFileSync(join(folder, "binary"), new Uint8Array([0xff, 0xfe, 0xff, 0xfe, 0xff]));
  for (const name of ["missing", "short", "binary"]) {
    await expect(readSecrets(new Map([[name, join(folder, name)]]))).rejects.toMatchObject({
      name: "StartupError",
      what: expect.stringContaining(name),
    });
  }
});
