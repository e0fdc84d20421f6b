/** What a command says when its socket cannot be reached: the system's word, and what it means. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeDaemon } from "../client/fake_daemon.ts";
import { asUser, OTHER_GID, OTHER_UID, testAsOthers } from "../support/other_users.ts";
import { publicCheckout } from "../support/public_checkout.ts";
import { openexec } from "./recording_terminal.ts";

let folder: string;
beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "openexec-ending-" });
  await Deno.writeTextFile(`${folder}/file`, "");
});
afterAll(() => Deno.remove(folder, { recursive: true }));

const checkout = publicCheckout();
afterAll(() => checkout.remove());

test.each([
  ["missing.sock", "ENOENT", "Is the daemon running"],
  ["file", "ECONNREFUSED", "Nobody listens there"],
  ["x".repeat(120), "EINVAL", "at most 107 bytes"],
])("of %s it says %s, and what that means", async (name, errno, meaning) => {
  const { code, err } = await openexec(["status", "--socket", `${folder}/${name}`]);
  expect(code).toBe(3);
  expect(err).toContain(`(${errno})`);
  expect(err).toContain(meaning);
});

test("what is malformed is said once, without a word of requests", async () => {
  await using daemon = await FakeDaemon.start();
  const malformed = '{"code":"request_malformed","detail":"The directory is not empty."}';
  daemon.mishaps.push({ answer: malformed, status: 400 });
  const backup = await openexec(["backup", "/nowhere", "--socket", daemon.socketPath]);
  expect(backup.err.trim()).toBe("openexec: request_malformed: The directory is not empty.");
  const { err } = await openexec(["test-action", `${folder}/file`, "--payload", "[1]"]);
  expect(err.trim()).toBe("openexec: request_malformed: the payload must be an object");
});

test("what may have run is told without the advice to approve it again", async () => {
  await using daemon = await FakeDaemon.start();
  const problem = { code: "approval_fenced", effect: "unknown", retry: "never" };
  const answer = JSON.stringify({ ...problem, detail: "It may have run." });
  daemon.mishaps.push({ answer, status: 403 });
  const run = await openexec(["withdraw", "x", "--socket", daemon.socketPath]);
  expect(run.err.trim()).toBe("openexec: approval_fenced: It may have run.");
});

testAsOthers("of a socket that is another user's it says whose to be", async () => {
  await Deno.chmod(folder, 0o755);
  using _listener = Deno.listen({ transport: "unix", path: `${folder}/a.sock` });
  await Deno.chmod(`${folder}/a.sock`, 0o660);
  const [setpriv = "", ...who] = asUser(OTHER_UID, OTHER_GID);
  const { code, stderr } = await new Deno.Command(setpriv, {
    args: [...who, checkout.openexec, "status", "--socket", `${folder}/a.sock`],
    cwd: "/",
    env: { HOME: "/tmp" },
  }).output();
  expect(code).toBe(3);
  const said = new TextDecoder().decode(stderr);
  expect(said).toContain("(EACCES)");
  expect(said).toContain("member of its group");
  expect(said).not.toContain("Is the daemon running");
});
