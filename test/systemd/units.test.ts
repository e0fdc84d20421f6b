import { afterAll, beforeAll, expect } from "vitest";
import { join } from "node:path";
import { program } from "../../src/os/program.ts";
import { testWith } from "../support/tools.ts";

const UNITS = join(program.root, "systemd");
const INSTALLED = "/usr/bin/openexec";
/** On systemd's scale from 0, nothing to attack, to 10. */
const EXPOSURE_MAX = 0.4;

let folder: string;

/** The units as installed, with a program that exists: systemd checks that. */
beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "openexec-units-" });
  for await (const { name } of Deno.readDir(UNITS)) {
    if (!/\.(service|socket)$/.test(name)) continue;
    const unit = await Deno.readTextFile(join(UNITS, name));
    await Deno.writeTextFile(
      join(folder, name),
      unit.replace(INSTALLED, join(program.root, "bin/openexec")),
    );
  }
});
afterAll(() => Deno.remove(folder, { recursive: true }));

async function analyze(...args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", {
    args,
    env: { SYSTEMD_PAGER: "" },
  })
    .output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function exposure(...units: string[]): Promise<number> {
  const { text } = await analyze("security", "--offline=true", ...units);
  return Number(/Overall exposure level for .*: ([\d.]+)/.exec(text)?.[1]);
}

const SOCKETS = ["openexec.socket", "openexec-review.socket", "openexec-admin.socket"];

/** Installs the service again with its drop-in of that name, as an operator would. */
async function withDropIn(name: string): Promise<string> {
  const target = join(folder, name, "openexec.service");
  await Deno.mkdir(`${target}.d`, { recursive: true });
  await Deno.copyFile(join(folder, "openexec.service"), target);
  for (const unit of SOCKETS) {
    await Deno.copyFile(join(folder, unit), join(folder, name, unit));
  }
  await Deno.copyFile(
    join(UNITS, `openexec.service.d/${name}.conf.example`),
    `${target}.d/${name}.conf`,
  );
  return target;
}

const testUnits = testWith("systemd-analyze");

testUnits("systemd finds no fault with the units", async () => {
  const units = ["openexec.service", ...SOCKETS].map((name) => join(folder, name));
  expect(await analyze("verify", ...units)).toEqual({ code: 0, text: "" });
});

testUnits(
  "the service exposes at most what a just-in-time compiler and peers' uids need",
  async () => {
    expect(await exposure(join(UNITS, "openexec.service"))).toBeLessThanOrEqual(EXPOSURE_MAX);
  },
);

testUnits("a service without its hardening would be found out", async () => {
  const bare = join(folder, "bare.service");
  await Deno.writeTextFile(bare, "[Service]\nExecStart=/bin/true\n");
  expect(await exposure(bare)).toBeGreaterThan(EXPOSURE_MAX);
});

testUnits("systemd finds no fault with the drop-in examples", async () => {
  for await (const { name } of Deno.readDir(join(UNITS, "openexec.service.d"))) {
    const unit = await withDropIn(name.replace(".conf.example", ""));
    expect([name, await analyze("verify", unit)]).toEqual([name, { code: 0, text: "" }]);
  }
});

testWith("systemd-sysusers")("the users are made as written", async () => {
  const root = join(folder, "users");
  await Deno.mkdir(join(root, "etc"), { recursive: true });
  const { code } = await new Deno.Command("systemd-sysusers", {
    args: [`--root=${root}`, join(UNITS, "sysusers.d/openexec.conf")],
  }).output();
  expect(code).toBe(0);
  expect(await Deno.readTextFile(join(root, "etc/passwd"))).toMatch(
    /^openexec:.*:\/var\/lib\/openexec:.*nologin$/m,
  );
  expect(await Deno.readTextFile(join(root, "etc/group"))).toMatch(/^openexec-agents:/m);
});
