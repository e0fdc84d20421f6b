import { expect, expectTypeOf, test } from "vitest";
import { utf8Decode } from "../../src/core/bytes.ts";
import {
  configureLogging,
  type Fixed,
  formatLine,
  logFormatFor,
  logger,
  type LoggingOptions,
  type LogLine,
} from "../../src/telemetry/log.ts";

/** What `act` logs, as it arrives on the stream. */
async function logged(act: () => void, options: Partial<LoggingOptions> = {}): Promise<string> {
  let text = "";
  const stream = {
    write: (bytes: Uint8Array) => {
      text += utf8Decode(bytes);
      return Promise.resolve(bytes.length);
    },
  };
  const flush = configureLogging({
    format: "json",
    color: false,
    stream,
    ...options,
  });
  act();
  await flush(60_000);
  return text;
}

test("a line is one JSON object with time, level, part, message and fields", async () => {
  const text = await logged(() =>
    logger("engine").info("attempt answered", { action: "echo", uid: 7 })
  );
  const line: unknown = JSON.parse(text);
  expect(line).toEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    level: "info",
    part: "engine",
    message: "attempt answered",
    action: "echo",
    uid: 7,
  });
});

test("lines keep their order and end in newlines", async () => {
  const text = await logged(() => {
    for (let count = 0; count < 3; count++) logger("engine").warning("counted", { count });
  });
  expect(text.split("\n").map((line) => line === "" ? null : JSON.parse(line).count)).toEqual([
    0,
    1,
    2,
    null,
  ]);
});

test("a logger made before the configuration speaks after it", async () => {
  const early = logger("server");
  expect(await logged(() => early.info("listening"))).toContain("listening");
});

test("fields that are not listed never reach the stream, also not by way of a message's template", async () => {
  const fields = { payload: "4111-1111", action: "echo" };
  const text = await logged(() => logger("engine").info("ran {payload} for {action}", fields));
  expect(text).not.toContain("4111");
  expect(text).toContain("ran {payload} for {action}");
  expect(text).toContain('"action":"echo"');
});

test("a message is a text that is known when the code is written", () => {
  expectTypeOf<Fixed<"ready">>().toEqualTypeOf<"ready">();
  expectTypeOf<Fixed<"ready" | "draining">>().toEqualTypeOf<"ready" | "draining">();
  expectTypeOf<Fixed<string>>().toBeNever();
  expectTypeOf<Fixed<`got ${string}`>>().toBeNever();
  expectTypeOf<Fixed<`got ${number}`>>().toBeNever();
});

const LINE: LogLine = {
  timestamp: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  level: "warning",
  part: "server",
  message: "peer refused",
  properties: { uid: 7, socket: "agent.sock", payload: "4111", frames: ["at a b"] },
};

test("on a terminal a line is readable, in colour where that is wanted", () => {
  const plain =
    '03:04:05.006 warning server: peer refused uid=7 socket=agent.sock frames=["at a b"]';
  expect(formatLine(LINE, "terminal", false)).toBe(plain);
  expect(formatLine(LINE, "terminal", true)).toBe(
    plain.replace("warning", "\x1b[33mwarning\x1b[0m"),
  );
});

test.each([["info", 6], ["warning", 4], ["error", 3]] as const)(
  "for the journal a line of level %s begins with <%i>",
  (level, priority) => {
    expect(formatLine({ ...LINE, level, properties: { uid: 7 } }, "journal", false)).toBe(
      `<${priority}>server: peer refused uid=7`,
    );
  },
);

test("a line is one line in every format", () => {
  const properties = { action: "a\nb", frames: ["at x\ny"], path: "/a\nb" };
  for (const format of ["json", "terminal", "journal"] as const) {
    expect(formatLine({ ...LINE, properties }, format, false)).not.toContain("\n");
  }
});

test.each(
  [
    ["terminal", { isTerminal: true, device: 1, inode: 2 }, { device: "1", inode: "2" }],
    ["journal", { isTerminal: false, device: 1, inode: 2 }, { device: "1", inode: "2" }],
    ["json", { isTerminal: false, device: 1, inode: 3 }, { device: "1", inode: "2" }],
    ["json", { isTerminal: false, device: 1, inode: 2 }, null],
  ] as const,
)("logFormatFor() is %s for %o with JOURNAL_STREAM %o", (format, stream, journal) => {
  expect(logFormatFor(stream, journal)).toBe(format);
});

test.each(["json", "journal", "terminal"] as const)(
  "nothing in a line of %s hides, reorders or breaks it",
  (format) => {
    const said = "a\u202eb\u200bc\u2028d\u00a0e";
    const line = formatLine(
      { ...LINE, part: "handler", properties: { line: said } },
      format,
      false,
    );
    expect(line).toContain("a\\u202eb\\u200bc\\u2028d\\u00a0e");
    if (format === "json") expect(JSON.parse(line).line).toBe(said);
  },
);
