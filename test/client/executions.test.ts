/** Lists of executions, by a daemon that answers fewer at a time than were asked for. */

import { afterEach, beforeEach, expect, test } from "vitest";
import { OpenExecClient } from "../../src/client/mod.ts";
import { FakeDaemon } from "./fake_daemon.ts";

let daemon: FakeDaemon;
let client: OpenExecClient;
beforeEach(async () => {
  daemon = await FakeDaemon.start();
  client = new OpenExecClient({ socketPath: daemon.socketPath });
});
afterEach(async () => {
  client.close();
  await daemon[Symbol.asyncDispose]();
});

/** Prepares the daemon's next answer. */
function willAnswer(ids: readonly string[], rest: { readonly next?: string | null } = {}): void {
  const executions = ids.map((id) => ({ id, action: "echo", status: "succeeded" }));
  daemon.mishaps.push({ answer: JSON.stringify({ executions, ...rest }) });
}

const idsOf = (executions: readonly { readonly id: string }[]) => executions.map(({ id }) => id);
const asked = () => daemon.received.map(({ path }) => path);

test("list() goes on after an answer that ended early, until it has enough", async () => {
  willAnswer(["e"], { next: "e" });
  willAnswer(["d", "c"], { next: "c" });
  willAnswer(["b", "a"], { next: "a" });
  expect(idsOf(await client.list({ limit: 5, before: "f" }))).toEqual(["e", "d", "c", "b", "a"]);
  expect(asked()).toEqual([
    "/executions?limit=5&before=f",
    "/executions?limit=4&before=e",
    "/executions?limit=2&before=c",
  ]);
});

test("list() goes on until there are no more", async () => {
  willAnswer(["b"], { next: "b" });
  willAnswer(["a"], { next: null });
  expect(idsOf(await client.list())).toEqual(["b", "a"]);
  expect(asked()).toEqual(["/executions?limit=20", "/executions?limit=19&before=b"]);
});

test.each([
  ["says nothing of more", ["a"], {}],
  ["says there is more, and gives none", [], { next: "a" }],
])("list() ends where a daemon %s", async (_, ids, rest) => {
  willAnswer(ids, rest);
  expect(idsOf(await client.list({ limit: 9 }))).toEqual(ids);
  expect(asked()).toHaveLength(1);
});
