/** Folders with names that mean something elsewhere: in an address, a shell, a list or a pattern. */

import { afterEach, beforeEach, expect, test } from "vitest";
import { join } from "node:path";
import { program } from "../../src/os/program.ts";
import { actionToml, handler } from "../support/action_toml.ts";
import { Approver, request } from "../support/approver.ts";
import { Daemon, OPENEXEC } from "../support/daemon.ts";
import { asUser, OTHER_GID, OTHER_UID, testAsOthers } from "../support/other_users.ts";
import { publicCheckout } from "../support/public_checkout.ts";
import { testWith } from "../support/tools.ts";
import { call } from "../support/http.ts";

/** One folder inside the other: what one of these names breaks, all of them together break. */
const NAMES = ["a b", "a#b", "a?b", "a\tb", "a%23b", "a&b=c;d", "a*[b]{c}", "ü'\"$`", "a\\b"];
const ODD = NAMES.join("/");
/** A checkout's own launcher writes some names as an address, and others as they are. */
const ODD_CHECKOUTS = [NAMES.slice(0, 4).join("/"), "a b/a$'b"];
const alice = new Approver("alice");

let folder: string;
beforeEach(async () => {
  folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "openexec-odd-" }));
});
afterEach(() => Deno.remove(folder, { recursive: true }));

async function expectWork(directory: string, openexec = OPENEXEC): Promise<void> {
  await Deno.copyFile(handler("tell.ts"), join(directory, "tell.ts"));
  const config = `executor_id = "openexec:test"\n${alice.toml()}` +
    actionToml("tell", join(directory, "tell.ts"));
  const daemon = await Daemon.start({ directory, config, openexec });
  const { status } = await call(
    daemon.socket,
    "POST",
    "/execute",
    alice.approve(request("tell", { how: "return", told: "x" })),
  );
  await daemon.close();
  expect(status).toBe(200);
}

test(`a daemon works with its state, handler and socket in ${JSON.stringify(ODD)}`, async () => {
  const directory = join(folder, ODD);
  await Deno.mkdir(directory, { recursive: true, mode: 0o755 });
  await expectWork(directory);
});

test.each(ODD_CHECKOUTS)("a checkout works in a folder %j", async (name) => {
  // In this checkout, so that the packages can be linked instead of copied.
  await Deno.mkdir(join(program.root, "dist"), { recursive: true });
  const above = await Deno.makeTempDir({ dir: join(program.root, "dist"), prefix: "odd-" });
  const checkout = join(above, name);
  await Deno.mkdir(checkout, { recursive: true });
  for (const part of ["bin", "src", "package.json", "node_modules"]) {
    await new Deno.Command("cp", { args: ["-al", join(program.root, part), checkout] }).output();
  }
  await expectWork(folder, join(checkout, "bin/openexec"));
  await Deno.remove(above, { recursive: true });
});

async function ranIn(cwd: string, ...command: string[]) {
  const script = 'cd "$1" && shift && exec "$@"';
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", script, "sh", cwd, ...command],
    env: { HOME: folder },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

test("in a folder whose name is not UTF-8 it says so, and gives its version", async () => {
  const made = await new Deno.Command("sh", {
    args: [
      "-c",
      `cd "$1" && mkdir "$(printf 'a\\377b')" && ln -s "$(printf 'a\\377b')" odd`,
      "sh",
      folder,
    ],
  }).output();
  expect(made.success).toBe(true);
  const odd = await Deno.realPath(folder) + "/odd/.";
  const inside = (...args: string[]) =>
    ranIn(odd, "sh", "-c", 'cd -P . && exec "$@"', "sh", OPENEXEC, ...args);
  expect(await inside("--version")).toEqual({ code: 0, out: `${program.version}\n`, error: "" });
  const { code, error } = await inside("verify", "receipt.json");
  expect([code, error]).toEqual([2, expect.stringMatching(/^openexec: the name of this folder/)]);
});

testAsOthers("in a folder that its user may not use it says so, in one line", async () => {
  const checkout = publicCheckout();
  const { code, error } = await ranIn(
    folder,
    ...asUser(OTHER_UID, OTHER_GID),
    checkout.openexec,
    "--version",
  );
  checkout.remove();
  expect(code).toBe(2);
  expect(error).toMatch(/^openexec: this user cannot use the folder it is in.*\n$/);
});

const testUnshared = testWith("unshare", ...(Deno.uid() === 0 ? [] : ["root"]));

testUnshared("without /proc it says so, in one line", async () => {
  const script = 'umount -l /proc && exec "$0" --version';
  const { code, stderr } = await new Deno.Command("unshare", {
    args: ["--mount", "sh", "-c", script, OPENEXEC],
  }).output();
  expect(code).toBe(2);
  expect(new TextDecoder().decode(stderr)).toMatch(/^openexec: there is no \/proc.*\n$/);
});
