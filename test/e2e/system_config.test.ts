/**
 * A daemon that finds its configuration in its default place, and what a reload makes of a file that is gone from there, or has
 * come. In a mount namespace of its own, whose /etc is the test's.
 */

import { afterEach, expect, test } from "vitest";
import { Approver, request } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { has } from "../support/tools.ts";
import { until } from "../support/until.ts";

const missing = [...(has("unshare") ? [] : ["unshare"]), ...(Deno.uid() === 0 ? [] : ["root"])];
const why = missing.length === 0 ? "" : ` [skipped: needs ${missing.join(", ")}]`;
const alice = new Approver("alice");

let directory: string | undefined;
let daemon: Daemon | undefined;
afterEach(async () => {
  await daemon?.close();
  if (directory !== undefined) Deno.removeSync(directory, { recursive: true });
  daemon = directory = undefined;
});

/** Started with neither --config nor $OPENEXEC_CONFIG, where the file is what `content` makes for a folder; null: not there. */
async function start(
  content: ((folder: string) => string) | null,
): Promise<{ daemon: Daemon; file: string }> {
  const folder = directory = Deno.makeTempDirSync({ prefix: "openexec-system-config-" });
  const file = `${folder}/etc/openexec/openexec.toml`;
  Deno.mkdirSync(`${folder}/etc/openexec`, { recursive: true });
  if (content !== null) Deno.writeTextFileSync(file, content(folder));
  const mount = 'mount --bind "$0" /etc && exec "$@"';
  daemon = await Daemon.start({
    directory: folder,
    wrapper: ["unshare", "--mount", "sh", "-c", mount, `${folder}/etc`],
  });
  return { daemon, file };
}

/** The line that says what came of it. */
async function reload({ process, output }: Daemon): Promise<string> {
  const before = output.length;
  process.kill("SIGHUP");
  const said = () =>
    output.slice(before).find((line) =>
      /trust store (re|is as)/.test(line) && line.startsWith("{")
    );
  await until(() => said() !== undefined);
  return JSON.parse(said() ?? "{}").message;
}

const execute = async ({ socket }: Daemon) =>
  (await call(socket, "POST", "/execute", alice.approve(request("echo", {})))).status;

test.skipIf(missing.length > 0)(
  `a configuration that is gone at a reload changes nothing${why}`,
  async () => {
    const head = (folder: string) =>
      `executor_id = "openexec:test"\n[[sockets]]\npath = "${folder}/agent.sock"\n`;
    const { daemon, file } = await start((folder) => head(folder) + alice.toml());
    expect(await execute(daemon)).toBe(200);
    Deno.removeSync(file);
    expect(await reload(daemon)).toBe("reload failed; the trust store is as it was");
    expect(daemon.output.some((line) => line.includes("openexec.toml: no such file"))).toBe(true);
    expect(await execute(daemon)).toBe(200);
    expect(() => Deno.statSync(`${directory}/state/openexec/approver.key`)).toThrow(
      Deno.errors.NotFound,
    );
    Deno.writeTextFileSync(file, head(daemon.directory));
    expect(await reload(daemon)).toBe("trust store reloaded");
    expect(await execute(daemon)).toBe(403);
  },
);

test.skipIf(missing.length > 0)(
  `a configuration that has come waits for a restart${why}`,
  async () => {
    const { daemon, file } = await start(null);
    expect(await reload(daemon)).toBe("trust store reloaded");
    Deno.writeTextFileSync(file, alice.toml());
    expect(await reload(daemon)).toBe("reload failed; the trust store is as it was");
    expect(await execute(daemon)).toBe(403);
    Deno.removeSync(file);
    expect(await reload(daemon)).toBe("trust store reloaded");
  },
);
