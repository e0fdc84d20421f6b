import { afterAll, beforeAll, expect, test } from "vitest";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { missingParts, thisKernel } from "../../src/box/kernel.ts";
import { program } from "../../src/os/program.ts";
import { build, missingToBuild, run } from "../build/single_file.ts";

const SECONDS = 1000;
const UNITS = join(program.root, "systemd");
const missing =
  missingToBuild("pivot_root", "setpriv", "systemctl", "systemd-sysusers", "systemd-tmpfiles") ||
  (Deno.uid() === 0 ? "" : " [skipped: needs root]");

const HANDLER = `
import { defineAction } from "openexec";
import * as v from "valibot";

export default defineAction({
  input: v.object({ name: v.string() }),
  output: v.object({ greeting: v.string(), letters: v.number() }),
  run: ({ name }, { secrets }) => ({ greeting: \`hello \${name}\`, letters: secrets["word"]?.length ?? 0 }),
});
`;

/** Uses what its permissions name, and tries what only the unit would let it. */
const WORKER = `
import { defineAction } from "openexec";
import * as v from "valibot";

const attempt = (work: () => string): string => {
  try {
    return work();
  } catch (error) {
    return error instanceof Error ? error.name : "";
  }
};

export default defineAction({
  input: v.object({}),
  output: v.record(v.string(), v.string()),
  run: () => ({
    wrote: attempt(() => {
      Deno.writeTextFileSync("/srv/reports/today", "done");
      return Deno.readTextFileSync("/srv/reports/today");
    }),
    ran: attempt(() => {
      const { stdout } = new Deno.Command("/opt/tools/id", { args: ["-u"] }).outputSync();
      return new TextDecoder().decode(stdout).trim();
    }),
    elsewhere: attempt(() => {
      Deno.writeTextFileSync("/var/lib/openexec/x", "");
      return "written";
    }),
    other: attempt(() => {
      new Deno.Command("/usr/bin/env").outputSync();
      return "ran";
    }),
  }),
});
`;

let folder: string;

beforeAll(async () =>
  folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "openexec-booted-" }))
);
afterAll(() => Deno.remove(folder, { recursive: true }));

/** Everything boot.sh wants: the units as shipped, with an approver, an action that wants a secret, and a quick watchdog. */
async function furnish(): Promise<void> {
  for (
    const name of ["bin", "etc/openexec", "etc/credstore", "units/openexec.service.d", "results"]
  ) {
    await Deno.mkdir(join(folder, name), { recursive: true });
  }
  await build(join(folder, "bin"));
  await Deno.remove(join(folder, "bin/SHA256SUMS"));
  const write = (name: string, text: string) => Deno.writeTextFile(join(folder, name), text);
  for (const unit of ["openexec.service", "openexec.socket", "openexec-admin.socket"]) {
    await Deno.copyFile(join(UNITS, unit), join(folder, "units", unit));
  }
  for (const kind of ["sysusers", "tmpfiles"]) {
    await Deno.copyFile(join(UNITS, `${kind}.d/openexec.conf`), join(folder, `units/${kind}.conf`));
  }
  await write(
    "units/openexec.service.d/test.conf",
    "[Service]\nWatchdogSec=5s\nLoadCredential=word\nStandardError=file:/results/daemon\n",
  );
  await Deno.copyFile(
    join(UNITS, "openexec.service.d/actions.conf.example"),
    join(folder, "units/openexec.service.d/actions.conf"),
  );
  await write("etc/credstore/word", "sesame");

  const key = join(folder, "etc/openexec/approver.key");
  const keygen = await run(join(program.root, "bin/openexec"), { args: ["keygen", key] });
  expect(keygen.code, keygen.error).toBe(0);
  const keys = /^keys = .*$/m.exec(keygen.out)?.[0];
  await write("etc/openexec/greet.ts", HANDLER);
  await write("etc/openexec/work.ts", WORKER);
  const example = await Deno.readTextFile(join(UNITS, "openexec.toml.example"));
  await write(
    "etc/openexec/openexec.toml",
    `${example}
[[approvers]]
name = "release-manager"
${keys}
[actions.greet]
module = "greet.ts"
digest = "sha256:${createHash("sha256").update(HANDLER).digest("hex")}"
secrets = ["word"]
[box]
kernel = "${missingParts(thisKernel()).length === 0 ? "required" : "available"}"

[actions.work]
module = "work.ts"
digest = "sha256:${createHash("sha256").update(WORKER).digest("hex")}"
allow = { run = ["/opt/tools/id"], read = ["/srv/reports"], write = ["/srv/reports"] }
`,
  );

  // Nothing of the host's own units is started: these are all there are.
  for (const target of ["sysinit", "basic", "sockets", "multi-user", "shutdown"]) {
    await write(`units/${target}.target`, "[Unit]\nDefaultDependencies=no\n");
  }
  await Deno.copyFile(
    join(program.root, "test/systemd/scenario.sh"),
    join(folder, "units/scenario.sh"),
  );
  await write(
    "units/default.target",
    "[Unit]\nDefaultDependencies=no\nRequires=scenario.service\n",
  );
  await write(
    "units/scenario.service",
    `[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/sh /units/scenario.sh
StandardOutput=file:/results/out
StandardError=file:/results/error
ExecStopPost=/bin/systemctl --force --force poweroff
`,
  );
}

test.skipIf(missing !== "")(
  `under a real systemd, the service serves in its sandbox, reloads, restarts and is watched${missing}`,
  async () => {
    await furnish();
    const { error } = await run(join(program.root, "test/systemd/boot.sh"), { args: [folder] });
    const lines = (await Deno.readTextFile(join(folder, "results/out")).catch(() => error)).trim()
      .split(
        "\n",
      );
    const said = new Map(
      lines.map((
        line,
      ): [string, string] => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    const problems = await Deno.readTextFile(join(folder, "results/error")).catch(() => error);
    const json = (name: string): unknown => JSON.parse(said.get(name) || "null");

    expect(said.get("active"), problems).toBe("active");
    expect(said.get("status")).not.toBe("");
    expect(said.get("/run/openexec/agent.sock")).toBe("660 root openexec-agents");
    expect(said.get("/run/openexec/admin.sock")).toBe("600 root root");
    expect(said.get("NoNewPrivs")).toBe("1");
    expect(said.get("Seccomp")).toBe("2");
    expect(said.get("CapBnd")).toBe("0".repeat(16));
    expect(said.get("network")).toBe("private");
    expect(json("greeted")).toMatchObject({
      result: { greeting: "hello systemd", letters: "sesame".length },
      replayed: false,
    });
    expect(json("state")).toMatchObject({
      box: { kernel: "whole", missing: [], unconfined: [] },
    });
    // The unit's own filters are counted too.
    expect(Number(said.get("executor"))).toBeGreaterThan(Number(said.get("Seccomp_filters")));
    expect(json("worked")).toMatchObject({
      result: {
        wrote: "done",
        ran: expect.stringMatching(/^[1-9]\d*$/), // without /etc/passwd it has no name
        elsewhere: "NotCapable",
        other: "NotCapable",
      },
    });
    expect([said.get("member"), said.get("stranger")]).toEqual(["0", "3"]);
    expect([said.get("reload"), said.get("restart")]).toEqual(["0", "0"]);
    expect(json("again")).toMatchObject({ result: { greeting: "hello systemd" }, replayed: true });
    expect(json("revived")).toMatchObject({ result: { greeting: "hello again" } });
    expect(said.get("result")).toBe("success 0");
  },
  300 * SECONDS,
);
