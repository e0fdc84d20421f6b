import { join } from "node:path";
import { expect, test } from "vitest";
import { MAY_MOUNT, mountSmallDisk, type SmallDisk } from "../ledger/small_disk.ts";
import { openexecHere } from "../cli/recording_terminal.ts";
import { openexec } from "../support/daemon.ts";
import { shared } from "../support/shared.ts";
import { MAY_TRACE, traceRunning } from "../support/strace.ts";
import { until } from "../support/until.ts";
import { Held } from "./held.ts";

const DISK_BYTES = 24 * 2 ** 20;

/** A daemon whose state is on a disk of its own, which can be filled. */
async function startOnSmallDisk(): Promise<{ disk: SmallDisk; held: Held } & AsyncDisposable> {
  const directory = Deno.makeTempDirSync({ prefix: "openexec-full-" });
  Deno.mkdirSync(join(directory, "state"));
  const disk = mountSmallDisk(DISK_BYTES, join(directory, "state"));
  if (disk === undefined) throw new Error("mount(8) worked a moment ago");
  Deno.chmodSync(disk.path, 0o700);
  const held = await Held.start({ directory, actions: ["once"] });
  return {
    disk,
    held,
    async [Symbol.asyncDispose]() {
      await held.daemon.stop("SIGKILL");
      disk[Symbol.dispose]();
      await held[Symbol.asyncDispose]();
    },
  };
}

const onSmallDisk = shared(startOnSmallDisk);
const scene = shared(() => Held.start({ actions: ["once"] }));

test.skipIf(!MAY_MOUNT)(
  "[needs mount(8) as root] on a full disk nothing starts, health tells, and it works again once there is room",
  async () => {
    const { disk, held } = await onSmallDisk();
    await held.send(held.approve("once", "before", "end"));
    disk.fill();
    const approved = held.approve("once", "full", "end");
    await until(async () => (await held.get("/ready")).status === 503);
    expect((await held.send(approved)).json).toMatchObject({
      status: 507,
      code: "storage_full",
      effect: "none",
      retry: "same_request",
    });
    expect((await held.get("/health")).json).toMatchObject({
      status: "unhealthy",
      refusing: ["storage_full"],
    });
    expect(held.starts("full")).toEqual([]);
    expect((await held.send(held.approve("once", "before", "end"))).json.code).toBe("nonce_reused");

    disk.free();
    await until(async () => (await held.get("/ready")).status === 200);
    expect((await held.send(approved)).json.status).toBe("succeeded");
    expect(held.starts("full")).toHaveLength(1);
    expect((await openexecHere(held.daemon, ["audit"])).code).toBe(0);
  },
);

test.skipIf(!MAY_MOUNT)(
  "[needs mount(8) as root] an outcome is recorded on a disk that filled up while it ran, and new work waits",
  async () => {
    const { disk, held } = await onSmallDisk();
    const approved = held.approve("once", "running", "hold");
    const running = held.send(approved);
    await held.started("running");
    disk.fill();
    held.letGo("running");
    expect((await running).json.status).toBe("succeeded");
    const refused = held.approve("once", "refused", "end");
    expect((await held.send(refused)).json.code).toBe("storage_full");
    expect((await held.send(approved)).json).toMatchObject({ status: "succeeded", replayed: true });

    await held.daemon.stop("SIGKILL");
    disk.free();
    await held.startAgain();
    expect((await held.send(approved)).json).toMatchObject({ status: "succeeded", replayed: true });
    expect((await held.send(refused)).json.status).toBe("succeeded");
    expect((await openexecHere(held.daemon, ["audit"])).code).toBe(0);
    expect([held.starts("running").length, held.starts("refused").length]).toEqual([1, 1]);
  },
);

test.skipIf(!MAY_MOUNT)(
  "[needs mount(8) as root] an operator's acts are done and recorded on a full disk",
  async () => {
    const { disk, held } = await onSmallDisk();
    disk.fill();
    await until(async () => (await held.get("/ready")).status === 503);
    for (const act of [["halt"], ["prune"], ["revoke", "alice", "j-1"], ["resume"]]) {
      expect((await openexecHere(held.daemon, act)).code).toBe(0);
    }
    held.daemon.process.kill("SIGHUP");
    await until(() => held.daemon.output.some((line) => line.includes("trust store reloaded")));
    disk.free();
    const { stdout } = await openexecHere(held.daemon, ["export"]);
    const bodies = stdout.trim().split("\n").flatMap((line) =>
      JSON.parse(line).receipt?.payload ?? []
    );
    const acts = bodies.map((body) => JSON.parse(atob(body))).flatMap(({ act }) => act ?? []);
    expect(acts).toEqual(["halt", "prune", "revoke", "resume", "reload"]);
    await until(async () => (await held.get("/ready")).status === 200);
  },
);

test.skipIf(!MAY_MOUNT)(
  "[needs mount(8) as root] on a full disk the daemon does not start and says why; with room again it recovers",
  async () => {
    const { disk, held } = await onSmallDisk();
    const approved = held.approve("once", "left", "hold");
    const unanswered = held.send(approved).catch(() => null);
    await held.started("left");
    await held.daemon.stop("SIGKILL");
    await unanswered;
    disk.fill();
    const refused = await openexec(held.daemon, ["serve"]);
    expect([refused.code, refused.stdout]).toEqual([2, ""]);
    expect(refused.stderr).toContain("is full");
    disk.free();
    await held.startAgain();
    expect((await held.send(approved)).json.code).toBe("outcome_unknown");
    expect((await openexecHere(held.daemon, ["audit"])).code).toBe(0);
  },
);

const FAILING_FLUSH = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO"];

test.skipIf(!MAY_TRACE)(
  "[needs strace(1) that may attach] a reservation that cannot be flushed starts nothing, and stops all work",
  async () => {
    const held = await scene();
    const before = held.approve("once", "before", "end");
    await held.send(before);
    const approved = held.approve("once", "failing", "end");
    {
      await using _trace = await traceRunning(held.daemon.pid, FAILING_FLUSH);
      expect((await held.send(approved)).json).toMatchObject({
        status: 503,
        code: "ledger_unavailable",
      });
    }
    expect((await held.send(approved)).json.code).toBe("ledger_unavailable");
    expect((await held.get("/health")).json.refusing).toEqual(["ledger_unavailable"]);
    expect((await held.get("/ready")).status).toBe(503);
    expect(held.starts("failing")).toEqual([]);

    expect((await held.daemon.stop("SIGTERM")).code).toBe(0);
    await held.startAgain();
    expect((await openexecHere(held.daemon, ["audit"])).code).toBe(0);
    const after = await held.send(approved);
    expect(["succeeded", "outcome_unknown"]).toContain(after.json.status ?? after.json.code);
    expect((await held.send(before)).json).toMatchObject({ status: "succeeded", replayed: true });
  },
);

test.skipIf(!MAY_TRACE)(
  "[needs strace(1) that may attach] a settlement that cannot be flushed is told as unknown, and is after a restart",
  async () => {
    const held = await scene();
    const approved = held.approve("once", "unrecorded", "hold");
    const running = held.send(approved);
    await held.started("unrecorded");
    {
      await using _trace = await traceRunning(held.daemon.pid, FAILING_FLUSH);
      held.letGo("unrecorded");
      expect((await running).json).toMatchObject({ code: "outcome_unknown", effect: "unknown" });
    }
    const said = () => held.daemon.output.find((line) => line.includes("an outcome could not"));
    await until(() => said() !== undefined);
    expect(JSON.parse(said() ?? "")).toMatchObject({
      level: "error",
      execution: expect.any(String),
      code: "ledger_unavailable",
      errno: "EIO",
    });
    expect((await held.send(held.approve("once", "next", "end"))).json.code).toBe(
      "ledger_unavailable",
    );

    await held.killAndStartAgain();
    expect((await openexecHere(held.daemon, ["audit"])).code).toBe(0);
    expect((await held.send(approved)).json).toMatchObject({ code: "outcome_unknown" });
    expect([held.starts("unrecorded").length, held.starts("next").length]).toEqual([1, 0]);
  },
);

const DAMAGE: readonly (readonly [string, (file: string) => void])[] = [
  ["cut short", (file) => Deno.truncateSync(file, 3 * 4096)],
  ["emptied", (file) => Deno.truncateSync(file, 0)],
  [
    "overwritten",
    (file) => Deno.writeFileSync(file, new Uint8Array(Deno.statSync(file).size).fill(0x5a)),
  ],
  ["gone", (file) => Deno.removeSync(file)],
];

test("with a damaged or missing data file the daemon does not start, says what to do, and touches nothing", async () => {
  const held = await scene();
  const approved = held.approve("once", "kept", "end");
  await held.send(approved);
  await held.daemon.stop();
  const file = join(held.daemon.directory, "state/ledger/data.mdb");
  const sound = Deno.readFileSync(file);
  for (const [how, damage] of DAMAGE) {
    Deno.writeFileSync(file, sound);
    damage(file);
    const damaged = contentOf(file);
    const { code, stderr } = await openexec(held.daemon, ["serve"]);
    expect([how, code]).toEqual([how, 2]);
    expect(stderr).toContain("openexec restore");
    expect(contentOf(file), how).toEqual(damaged);
  }
  Deno.writeFileSync(file, sound);
  await held.startAgain();
  expect((await held.send(approved)).json).toMatchObject({ status: "succeeded", replayed: true });
});

function contentOf(file: string): Uint8Array | null {
  try {
    return Deno.readFileSync(file);
  } catch {
    return null;
  }
}
