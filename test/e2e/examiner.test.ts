import { expect, test } from "vitest";
import { startTimeOf } from "../../src/os/process.ts";
import { Daemon } from "../support/daemon.ts";
import { environmentOf } from "../support/processes.ts";
import { rawExchange } from "../support/raw_http.ts";
import { testWith } from "../support/tools.ts";
import { until } from "../support/until.ts";

const ECHO = 'mode = "demo"\n[actions.echo]\nmodule = "builtin:echo"\n';
const GET = "GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const ACTIVATE = "systemd-socket-activate";

/** What the first stage left for the second; NaN where it left none, or not yet. */
function examinerOf({ pid }: Daemon): number {
  const { OPENEXEC_HANDOVER: text = "null" } = environmentOf(pid);
  return JSON.parse(text)?.examiner?.child.pid ?? NaN;
}

/** A folder in which a daemon has run, so that the next one finds what an examiner needs. */
async function usedFolder(): Promise<string> {
  const directory = Deno.makeTempDirSync({ prefix: "openexec-test-" });
  const first = await Daemon.start({ directory, config: ECHO });
  expect(examinerOf(first)).toBe(NaN);
  expect((await first.stop()).code).toBe(0);
  return directory;
}

test("a second start begins its examiner in the first stage, takes it, and leaves nothing of it", async () => {
  const directory = await usedFolder();
  const watcher = Deno.watchFs(`${directory}/state/executors`, { recursive: false });
  const recorded = new Set<string>();
  const watching = (async () => {
    for await (const { paths } of watcher) {
      for (const path of paths) recorded.add(path.split("/").at(-1) ?? "");
    }
  })();
  const daemon = await Daemon.start({ directory });
  const examiner = examinerOf(daemon);
  await until(() => startTimeOf(examiner) === null);
  await until(() => recorded.has(String(examiner)));
  expect((await rawExchange(daemon.socket, GET)).answers[0]?.status).toBe(200);
  watcher.close();
  await watching;
  await daemon.stop();
  Deno.removeSync(directory, { recursive: true });
});

test("a start that fails after its first stage leaves no examiner behind", async () => {
  const directory = await usedFolder();
  const holder = await Daemon.start({ directory });
  const late = Daemon.launch({ directory });
  await until(() => examinerOf(late) > 0);
  const examiner = examinerOf(late);
  await expect(late.ready).rejects.toThrow("is in use");
  await until(() => startTimeOf(examiner) === null);
  await holder.stop();
  Deno.removeSync(directory, { recursive: true });
});

testWith(ACTIVATE)(
  "sockets that the service manager passes reach the second stage past the examiner",
  async () => {
    const directory = await usedFolder();
    const path = `${directory}/agent.sock`;
    const daemon = Daemon.launch({
      directory,
      wrapper: [ACTIVATE, `--listen=${path}`, "-E", "HOME", "-E", "OPENEXEC_CONFIG"],
    });
    await until(() => [...Deno.readDirSync(directory)].some(({ name }) => name === "agent.sock"));
    expect((await rawExchange(path, GET)).answers[0]?.status).toBe(200);
    expect(examinerOf(daemon)).toBeGreaterThan(0);
    await daemon.stop();
    expect(Deno.statSync(path).isSocket).toBe(true); // it is the manager's
    Deno.removeSync(directory, { recursive: true });
  },
);
