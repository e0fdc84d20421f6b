/** The examples of docs/actions.md work as they stand there. */

import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { rehearse } from "../../src/executor/rehearse.ts";
import { Heard } from "../executor/pool_under_test.ts";

const text = Deno.readTextFileSync(new URL("../../docs/actions.md", import.meta.url));

test("the handler in docs/actions.md runs with the payload beside it", async () => {
  const code = /```ts\n([\s\S]*?)```/.exec(text)?.[1] ?? "";
  const payload: unknown = JSON.parse(
    /test-action greet\.ts --payload '(.*?)'/.exec(text)?.[1] ?? "",
  );
  expect(payload).toEqual({ name: "Ada" });
  const folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${folder}/greet.ts`, code);
  const log = new Heard();
  const outcome = await rehearse({
    file: `${folder}/greet.ts`,
    payload: { name: "Ada" },
    allow: { net: [], read: [], write: [], env: [], run: [], unix: [] },
    secrets: new Map(),
    timeoutMs: 10_000,
    memoryBytes: 256 * 1024 * 1024,
    resultBytes: 1024,
  }, { clock: systemClock, variable: () => undefined, log });
  expect(outcome).toEqual({ status: "succeeded", resultText: '{"greeting":"Hello, Ada"}' });
  expect(log.lines.map((line) => line.text)).toEqual(["greeting somebody"]);
  Deno.removeSync(folder, { recursive: true });
});

test("every link of docs/actions.md and its decisions leads to a file", () => {
  const documents = [
    "docs/actions.md",
    "docs/decisions/executor-boundary.md",
    "docs/decisions/memory-without-cgroups.md",
  ];
  for (const document of documents) {
    const at = new URL(`../../${document}`, import.meta.url);
    const links = Deno.readTextFileSync(at).matchAll(/\]\(((?!https?:)[^)#]+)/g);
    for (const [, link = ""] of links) {
      expect(() => Deno.statSync(new URL(link, at)), link).not.toThrow();
    }
  }
});
