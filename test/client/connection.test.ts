/** The connection below the client: what counts as an answer. */

import { afterEach, beforeEach, expect, test } from "vitest";
import { utf8Encode } from "../../src/core/bytes.ts";
import { DaemonConnection } from "../../src/client/connection.ts";
import { FakeDaemon } from "./fake_daemon.ts";

let daemon: FakeDaemon;
let connection: DaemonConnection;

beforeEach(async () => {
  daemon = await FakeDaemon.start();
  connection = new DaemonConnection({ socketPath: daemon.socketPath });
});
afterEach(async () => {
  connection.close();
  await daemon[Symbol.asyncDispose]();
});

const ONCE = { retry: false };
const ACCEPTED = { answer: '{"status":"pending"}', status: 202 };

test("an answer that is not final counts where it is expected, and nowhere else", async () => {
  daemon.mishaps.push(ACCEPTED, ACCEPTED);
  const post = (also: readonly number[]) =>
    connection.post("/proposals", utf8Encode("{}"), {}, ONCE, null, also);
  expect(await post([202])).toEqual({ status: "pending" });
  await expect(post([])).rejects.toMatchObject({ name: "OpenExecError", status: 202 });
});

test("delete() sends a DELETE without a body", async () => {
  daemon.mishaps.push({ answer: "{}", status: 200 });
  expect(await connection.delete("/proposals/1", ONCE)).toEqual({});
  expect(daemon.received.at(-1)).toMatchObject({
    method: "DELETE",
    path: "/proposals/1",
    body: "",
  });
});
