/** The single file where nothing is the user's own but a home: the box is there all the same. */

import { afterAll, beforeAll, expect } from "vitest";
import { join } from "node:path";
import { asUser, OTHER_UID, testAsOthers } from "../support/other_users.ts";
import { childrenOf } from "../support/processes.ts";
import { builtOnce, missingToBuild, untilReady } from "./single_file.ts";

const SECONDS = 1000;
const missing = missingToBuild();

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "openexec-users-" }));
  await Deno.chmod(folder, 0o755);
  if (missing === "") file = join(await builtOnce(), "openexec");
}, 120 * SECONDS);
afterAll(() => Deno.remove(folder, { recursive: true }));

/** Runs in a folder of root's, with an empty home. */
function command(uid: number, home: string, args: readonly string[]): Deno.Command {
  const [setpriv = "", ...who] = asUser(uid, uid);
  return new Deno.Command(setpriv, {
    args: [...who, file, ...args],
    cwd: folder,
    clearEnv: true,
    env: { HOME: home, XDG_RUNTIME_DIR: home },
    stdout: "piped",
    stderr: "piped",
  });
}

async function homeOf(uid: number): Promise<string> {
  const home = await Deno.makeTempDir({ dir: folder, prefix: "home-" });
  await Deno.chown(home, uid, uid);
  return home;
}

for (const uid of [0, OTHER_UID]) {
  testAsOthers(`the single file boxes its executors as uid ${uid}${missing}`, async () => {
    if (missing !== "") return;
    const home = await homeOf(uid);
    const doctor = await command(uid, home, ["doctor", "--json"]).output();
    const findings = new TextDecoder().decode(doctor.stdout).trim().split("\n")
      .map((line) => JSON.parse(line));
    expect(findings).toContainEqual(expect.objectContaining({ check: "box", state: "ok" }));
    const daemon = command(uid, home, ["serve"]).spawn();
    await untilReady(daemon.stdout);
    const executors = childrenOf(daemon.pid);
    expect(executors).not.toEqual([]);
    for (const pid of executors) {
      const status = await Deno.readTextFile(`/proc/${pid}/status`);
      expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
      expect(status).toMatch(/^Seccomp:\s+2$/m);
      expect(status).toMatch(new RegExp(`^Uid:\\s+${uid}\\s`, "m"));
    }
    daemon.kill("SIGTERM");
    await daemon.stderr.cancel();
    expect((await daemon.status).code).toBe(0);
  });
}
