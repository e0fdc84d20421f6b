/** Frames and messages between daemon and executor: what is said arrives as it was said, and nothing else arrives. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { concatBytes, stringOf, utf8Encode } from "../../src/core/bytes.ts";
import {
  FrameError,
  frameOfText,
  FrameReader,
  framesOf,
  inOneWrite,
  ISSUE_LENGTH_MAX,
  LOG_LENGTH_MAX,
  parseToDaemon,
  parseToExecutor,
  type Run,
  type ToDaemon,
} from "../../src/executor/protocol.ts";

const text = fc.string({ unit: "binary" }).map((value) => value.toWellFormed());

const messages: fc.Arbitrary<ToDaemon> = fc.oneof(
  fc.record({ kind: fc.constant("ready" as const), open: fc.array(fc.string()) }),
  fc.record({ kind: fc.constant("log" as const), id: text, line: text }),
  fc.record({
    kind: fc.constant("succeeded" as const),
    id: text,
    result: text,
  }),
  fc.record({
    kind: fc.constant("failed" as const),
    id: text,
    code: fc.constantFrom("handler_failed" as const, "result_invalid" as const),
    reason: text,
    publicReason: fc.option(text),
  }),
);

test("FrameReader gives back what frameOfText() made, however the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(messages),
      fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
      (said, sizes) => {
        const stream = said.flatMap((message) => [...frameOfText(JSON.stringify(message))]);
        const reader = new FrameReader(1 << 20);
        const heard: (ToDaemon | undefined)[] = [];
        for (let at = 0; at < stream.length;) {
          const size = sizes.next().value ?? 1;
          for (const frame of reader.read(Uint8Array.from(stream.slice(at, at + size)))) {
            heard.push(parseToDaemon(frame));
          }
          at += size;
        }
        expect(heard).toEqual(said);
      },
    ),
  );
});

test("FrameReader takes a frame that comes byte by byte, and an empty one", () => {
  const said: ToDaemon = { kind: "succeeded", id: "e", result: "x".repeat(400_000) };
  const reader = new FrameReader(1 << 20);
  const heard: string[] = [];
  const frame = frameOfText(JSON.stringify(said));
  for (const byte of [...frame, 0, 0, 0, 0, ...frame]) {
    heard.push(...reader.read(Uint8Array.of(byte)));
  }
  expect(heard).toEqual([JSON.stringify(said), "", JSON.stringify(said)]);
});

test("FrameReader refuses a frame that is too long as soon as it is announced, and one that is no UTF-8", () => {
  expect(() => new FrameReader(10).read(new Uint8Array([0, 0, 0, 11]))).toThrow(FrameError);
  expect(new FrameReader(10).read(new Uint8Array([0, 0, 0, 10]))).toEqual([]);
  expect(() => new FrameReader(10).read(new Uint8Array([0, 0, 0, 1, 0xff]))).toThrow(FrameError);
});

test("parseToDaemon() takes no message with more or less than its members", () => {
  const said = { kind: "succeeded", id: "e", result: "1" };
  expect(parseToDaemon(JSON.stringify(said))).toEqual(said);
  const { result: _, ...without } = said;
  for (
    const other of [
      without,
      { ...said, more: 1 },
      { ...said, id: 1 },
      { ...said, kind: "run" },
      { ...said, kind: "failed" },
      [said],
      null,
    ]
  ) {
    expect(parseToDaemon(JSON.stringify(other))).toBeUndefined();
  }
  expect(parseToDaemon("{")).toBeUndefined();
});

const check = { kind: "check", id: "1", handler: "pay" } as const;
const run: Omit<Run, "request"> = {
  kind: "run",
  id: "1",
  handler: "pay",
  idempotencyKey: "1",
  traceparent: null,
  secrets: [["TOKEN", "a\nb"]],
  abortAfterMs: 1,
};

test.each([
  ["a short text", check, '{"action":"pay","payload":{"at":"a\\nb"}}'],
  ["an empty one", check, ""],
  ["a long one as bytes", run, utf8Encode(`"${"ü\n".repeat(10_000)}"`)],
])("a request follows its message as it is: %s", (_, head, request) => {
  const stream = framesOf({ ...head, request }).flatMap((piece) => [...piece]);
  const [frame = "", ...others] = new FrameReader(1 << 20).read(Uint8Array.from(stream));
  expect(others).toEqual([]);
  expect(parseToExecutor(frame)).toEqual({ ...head, request: stringOf(request) });
});

test("messages of a turn leave as one piece, and long ones are not copied", () => {
  const short = framesOf({ ...check, request: "{}" });
  const long = framesOf({ ...run, request: new Uint8Array(1 << 17) });
  expect(inOneWrite([...short, ...short])).toEqual([concatBytes(...short, ...short)]);
  expect(inOneWrite(long)[1]).toBe(long[1]);
});

test("parseToExecutor() takes no message without its request, and none with one that is not its own", () => {
  const boot = { kind: "boot", library: "", handlers: [] };
  const limits = { frameBytes: 1, resultLength: 1, logLines: 1 };
  expect(parseToExecutor(JSON.stringify(check))).toBeUndefined();
  expect(parseToExecutor(JSON.stringify({ ...boot, limits }))).toEqual({ ...boot, limits });
  expect(parseToExecutor(`${JSON.stringify({ ...boot, limits })}\n{}`)).toBeUndefined();
  expect(parseToExecutor(`${JSON.stringify({ ...check, request: "{}" })}\n{}`)).toBeUndefined();
});

test.each([
  ["what a schema expects", ISSUE_LENGTH_MAX, (issue: string) => ({ kind: "checked", issue })],
  ["a line", LOG_LENGTH_MAX, (line: string) => ({ kind: "log", line })],
  ["a reason", LOG_LENGTH_MAX, (reason: string) => failure(reason, null)],
  ["a public reason", LOG_LENGTH_MAX, (reason: string) => failure("", reason)],
])("parseToDaemon() takes no longer text than an executor sends: %s", (_, longest, message) => {
  const parsed = (length: number) =>
    parseToDaemon(JSON.stringify({ id: "1", ...message("x".repeat(length)) }));
  expect(parsed(longest)).toMatchObject({ id: "1" });
  expect(parsed(longest + 1)).toBeUndefined();
});

function failure(reason: string, publicReason: string | null) {
  return { kind: "failed", code: "handler_failed", reason, publicReason };
}

test("parseToExecutor() takes no message of the other direction", () => {
  expect(parseToExecutor(JSON.stringify({ kind: "ready", open: [] }))).toBeUndefined();
  expect(parseToExecutor("[]")).toBeUndefined();
});
