/** What is dear with a large request or result happens once in an execution. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Answer } from "../../src/engine/types.ts";
import { jsonReply } from "../../src/server/reply.ts";
import { claims, PAYLOAD, subject } from "../support/approvals.ts";
import { EngineScene } from "./engine_scene.ts";

/** Words that only the payload, the signed body and the result have. */
const WORDS = { payload: PAYLOAD.to, approval: "jti-1", result: "said by the handler" };

/** Texts that the strict parsers took, and texts that the printers of canonical JSON made. */
const { parsed, printed } = vi.hoisted(() => ({
  parsed: new Array<string>(),
  printed: new Array<string>(),
}));

vi.mock("../../src/core/json/canonical_reader.ts", async (original) => {
  const real = await original<typeof import("../../src/core/json/canonical_reader.ts")>();
  return {
    ...real,
    readMembers: (bytes: Uint8Array) => {
      parsed.push(new TextDecoder().decode(bytes));
      return real.readMembers(bytes);
    },
  };
});

vi.mock("../../src/core/json/json_parser.ts", async (original) => {
  const real = await original<typeof import("../../src/core/json/json_parser.ts")>();
  return {
    ...real,
    Parser: class extends real.Parser {
      constructor(...args: ConstructorParameters<typeof real.Parser>) {
        parsed.push(args[0]);
        super(...args);
      }
    },
  };
});

vi.mock("../../src/core/json/canonical_json.ts", async (original) => {
  const real = await original<typeof import("../../src/core/json/canonical_json.ts")>();
  const noted = (text: string) => {
    printed.push(text);
    return text;
  };
  return {
    ...real,
    canonicalRequest: (...args: Parameters<typeof real.canonicalRequest>) =>
      noted(real.canonicalRequest(...args)),
    canonicalNode: (...args: Parameters<typeof real.canonicalNode>) =>
      noted(real.canonicalNode(...args)),
    canonicalJson: (...args: Parameters<typeof real.canonicalJson>) =>
      noted(real.canonicalJson(...args)),
  };
});

let scene: EngineScene;
/** Texts that the runtime's own functions took and made. */
let native: { readonly parsed: string[]; readonly printed: string[] };

beforeEach(async () => {
  scene = await EngineScene.start();
  scene.outcome = { status: "succeeded", resultText: JSON.stringify({ text: WORDS.result }) };
  native = { parsed: [], printed: [] };
  const { parse, stringify } = JSON;
  vi.spyOn(JSON, "parse").mockImplementation((text, reviver) => {
    native.parsed.push(text);
    return parse(text, reviver);
  });
  vi.spyOn(JSON, "stringify").mockImplementation((value) => {
    const text = stringify(value);
    native.printed.push(text);
    return text;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await scene[Symbol.asyncDispose]();
});

/** Executes once, and forgets what was parsed to make the request. */
async function execute(): Promise<Answer> {
  const [signed, { peer }] = [claims(), subject()];
  for (const texts of [parsed, printed, native.parsed, native.printed]) texts.length = 0;
  return await scene.ask(signed, "n-1", 0, peer);
}

const withWords = (texts: readonly string[], words: string) =>
  texts.filter((text) => text.includes(words));

test("a payload is parsed once, and the same pass makes its canonical text", async () => {
  await execute();
  expect(withWords(parsed, WORDS.payload)).toHaveLength(1);
  expect(withWords(native.parsed, WORDS.payload)).toEqual([]);
  expect(withWords(printed, WORDS.payload)).toEqual([]);
  expect(withWords(native.printed, WORDS.payload)).toHaveLength(1); // by the client
});

test("an approval is parsed with the request that carries it, and its signed body once", async () => {
  await execute();
  expect(withWords(parsed, '"signatures"')).toHaveLength(1);
  expect(withWords(printed, '"signatures"')).toEqual([]);
  expect(withWords(parsed, WORDS.approval)).toHaveLength(1);
});

test("a result is parsed once and printed once", async () => {
  await execute();
  expect(withWords(parsed, WORDS.result)).toHaveLength(1);
  expect(withWords(printed, WORDS.result)).toHaveLength(1);
  expect(withWords(native.parsed, WORDS.result)).toEqual([]);
});

test("an answer is printed once, and the result in it is the text that was stored", async () => {
  const { execution } = await execute();
  native.printed.length = 0;
  const { body } = jsonReply(execution);
  expect(body).toContain(WORDS.result);
  expect(withWords(native.printed, '"attestation"')).toHaveLength(1);
  expect(withWords(native.printed, WORDS.result)).toEqual([]);
});
