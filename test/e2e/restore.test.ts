import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openexecHere } from "../cli/recording_terminal.ts";
import { Daemon, openexec } from "../support/daemon.ts";
import { shared } from "../support/shared.ts";
import { Held } from "./held.ts";

const elsewhere = Deno.makeTempDirSync({ prefix: "openexec-anchor-" });
afterAll(() => Deno.removeSync(elsewhere, { recursive: true }));
const anchor = join(elsewhere, "newest.checkpoint");

/** The first test is about its first start. */
const scene = shared(() => {
  Deno.removeSync(elsewhere, { recursive: true });
  Deno.mkdirSync(elsewhere);
  return Held.start({ actions: ["once"], top: `anchor = "${anchor}"` });
});

/** Every file below a folder, with its bytes. */
function filesIn(folder: string, below = ""): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const { name, isDirectory } of Deno.readDirSync(join(folder, below))) {
    const path = join(below, name);
    if (!isDirectory) files.set(path, Deno.readFileSync(join(folder, path)));
    else for (const [inner, bytes] of filesIn(folder, path)) files.set(inner, bytes);
  }
  return files;
}

test("an anchor is there before the first entry of the log, and set aside for a restore it is made again", async () => {
  const held = await scene();
  expect(Deno.readTextFileSync(anchor)).toMatch(/^openexec:test\/log\n0\n/);
  const backup = join(held.daemon.directory, "backup");
  expect((await openexecHere(held.daemon, ["backup", backup])).code).toBe(0);
  await held.daemon.stop("SIGKILL");
  await held.startAgain();
  await held.daemon.stop();

  expect((await openexecHere(held.daemon, ["restore", backup])).code).toBe(0);
  Deno.removeSync(anchor);
  await held.startAgain();
  await held.daemon.stop("SIGKILL");
  expect(Deno.readTextFileSync(anchor)).toMatch(/^openexec:test\/log\n[1-9]/);
  await held.startAgain();
});

test("a backup of a running daemon holds no key and no payload; after its restore no older approval runs again", async () => {
  const held = await scene();
  const { directory } = held.daemon;
  const backup = join(directory, "running");
  const before = held.approve("once", "before", "end");
  const { id } = (await held.send(before)).json;
  expect((await openexecHere(held.daemon, ["backup", backup])).code).toBe(0);
  const consumed = held.approve("once", "consumed", "end");
  expect((await held.send(consumed)).json.status).toBe("succeeded");
  const never = held.approve("once", "never", "end");

  const copied = filesIn(backup);
  expect([...copied.keys()]).toEqual(["ledger/data.mdb"]);
  const copy = Buffer.from(copied.get("ledger/data.mdb") ?? []);
  const keys = [...filesIn(join(directory, "state/vault")).values()];
  expect(keys.length).toBeGreaterThan(0);
  for (const key of keys) expect(copy.includes(key)).toBe(false);
  expect([copy.includes(held.marks), copy.includes("n-before")]).toEqual([false, true]);
  expect((await openexecHere(held.daemon, ["audit", "--state", backup])).code).toBe(0);

  expect((await openexecHere(held.daemon, ["restore", backup])).code, "while the daemon runs").toBe(
    2,
  );
  await held.daemon.stop();
  expect((await openexecHere(held.daemon, ["restore", backup])).code).toBe(0);
  Deno.removeSync(anchor);
  await held.startAgain();
  for (const old of [consumed, never]) {
    expect((await held.send(old)).json).toMatchObject({
      status: 403,
      code: "approval_fenced",
      effect: "none",
    });
  }
  expect((await held.send(before)).json).toMatchObject({ id, status: "succeeded", replayed: true });
  expect((await held.send(held.approve("once", "after", "end"))).json.status).toBe("succeeded");
  expect([held.starts("consumed").length, held.starts("never").length]).toEqual([1, 0]);
  expect((await openexecHere(held.daemon, ["audit"])).code).toBe(0);
});

test("an anchor kept elsewhere refuses a ledger that was rolled back unseen", async () => {
  const held = await scene();
  const ledger = join(held.daemon.directory, "state/ledger");
  await held.send(held.approve("once", "first", "end"));
  const older = filesIn(ledger); // nothing writes to it now
  const second = held.approve("once", "second", "end");
  await held.send(second);
  expect((await held.daemon.stop()).code).toBe(0);
  const newer = filesIn(ledger);

  for (const [path, bytes] of older) Deno.writeFileSync(join(ledger, path), bytes);
  const refused = await openexec(held.daemon, ["serve"]);
  expect([refused.code, refused.stdout]).toEqual([2, ""]);
  expect(refused.stderr).toContain("rolled back");

  Deno.renameSync(anchor, `${anchor}.aside`);
  const without = await openexec(held.daemon, ["serve"]);
  expect([without.code, without.stdout]).toEqual([2, ""]);
  expect(without.stderr).toContain("is missing, and the log is not new");
  expect((await openexecHere(held.daemon, ["doctor"])).stdout).toContain("the anchor");
  Deno.renameSync(`${anchor}.aside`, anchor);

  for (const [path, bytes] of newer) Deno.writeFileSync(join(ledger, path), bytes);
  await held.startAgain();
  expect((await held.send(second)).json).toMatchObject({ status: "succeeded", replayed: true });
});

test("the anchor is written while the daemon runs, so that a killed one is held to it too", async () => {
  const folder = join(elsewhere, "of the next");
  Deno.mkdirSync(folder);
  await using held = await Held.start({
    actions: ["once"],
    top: `anchor = "${join(folder, "newest.checkpoint")}"`,
    tables: '[checkpoints]\ninterval = "50ms"',
  });
  await held.send(held.approve("once", "first", "end"));
  const { text } = await held.get("/log/checkpoint");
  await expect.poll(() => filesIn(folder).get("newest.checkpoint")).toEqual(
    new TextEncoder().encode(text),
  );
  await held.daemon.stop("SIGKILL");
  Deno.removeSync(join(held.daemon.directory, "state"), { recursive: true });
  await expect(Daemon.start({ directory: held.daemon.directory })).rejects.toThrow("ended (2)");
});
