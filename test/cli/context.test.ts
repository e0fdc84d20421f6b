import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { FakeDaemon } from "../client/fake_daemon.ts";
import { openexec } from "./recording_terminal.ts";

let daemon: FakeDaemon;
beforeEach(async () => void (daemon = await FakeDaemon.start()));
afterEach(() => daemon[Symbol.asyncDispose]());
let folder: string;
beforeAll(async () => void (folder = await Deno.makeTempDir({ prefix: "openexec-cli-" })));
afterAll(() => Deno.remove(folder, { recursive: true }));

test("the socket comes from --socket, else $OPENEXEC_SOCKET, else the configuration", async () => {
  const env = { OPENEXEC_SOCKET: daemon.socketPath };
  expect((await openexec(["actions"], { env })).code).toBe(0);
  expect((await openexec(["actions", "--socket", `${folder}/none`], { env })).code).toBe(3);
  await Deno.writeTextFile(
    `${folder}/openexec.toml`,
    `state_dir = "${folder}"\n[[sockets]]\npath = "${daemon.socketPath}"\n`,
  );
  expect((await openexec(["actions", "--config", `${folder}/openexec.toml`])).code).toBe(0);
  expect((await openexec(["actions", "--config", `${folder}/missing.toml`])).code).toBe(2);
});
