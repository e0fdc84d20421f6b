import { afterAll, beforeAll, expect, test } from "vitest";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { missingParts, thisKernel } from "../../src/box/kernel.ts";
import { program } from "../../src/os/program.ts";
import { builtOnce, missingToBuild, run } from "../build/single_file.ts";
import { blocksOf } from "../docs/markdown.ts";
import { expectLike } from "../walkthroughs/printed.ts";

const SECONDS = 1000;
const missing = missingToBuild(
  "openssl",
  "pivot_root",
  "setpriv",
  "systemctl",
  "systemd-sysusers",
  "systemd-tmpfiles",
) ||
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

/** What an operator types, in this order, and what that prints. */
const blocks = ["docs/deployment.md", "docs/operations.md"].flatMap((document) =>
  blocksOf(Deno.readTextFileSync(join(program.root, document)))
    .filter(({ language }) => language === "sh" || language === "text")
    .map((block) => ({ ...block, document }))
);

/** Everything boot.sh wants: the parts of a checkout, the commands to type, and what comes after. */
async function furnish(): Promise<void> {
  for (const name of ["checkout/examples", "units/typed", "results"]) {
    await Deno.mkdir(join(folder, name), { recursive: true });
  }
  await run("cp", { args: ["-r", await builtOnce(), join(folder, "checkout/dist")] });
  for (const name of ["systemd", "examples/actions"]) {
    await run("cp", { args: ["-r", join(program.root, name), join(folder, "checkout", name)] });
  }
  const write = (name: string, text: string) => Deno.writeTextFile(join(folder, name), text);
  for (const [index, { language, text }] of blocks.entries()) {
    if (language === "sh") await write(`units/typed/${nameOf(index)}.sh`, text);
  }
  await write(
    "units/test.conf",
    "[Service]\nWatchdogSec=5s\nLoadCredential=word\nStandardError=file:/results/daemon\n",
  );
  await write("units/greet.ts", HANDLER);
  await write("units/work.ts", WORKER);
  await write(
    "units/more.toml",
    `
[actions.greet]
module = "actions/greet.ts"
digest = "sha256:${createHash("sha256").update(HANDLER).digest("hex")}"
secrets = ["word"]
[box]
kernel = "${missingParts(thisKernel()).length === 0 ? "required" : "available"}"

[actions.work]
module = "actions/work.ts"
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

/** Sorts as the blocks do. */
function nameOf(index: number): string {
  return String(index).padStart(4, "0");
}

async function result(name: string): Promise<string> {
  return await Deno.readTextFile(join(folder, "results", name)).catch(() => "");
}

/** Each block was typed, and did and printed what the document says. */
async function expectAsDocumented(): Promise<void> {
  let printed = "";
  expect(blocks.length).toBeGreaterThan(20);
  for (const [index, { language, document, line, words, text }] of blocks.entries()) {
    if (language === "text") {
      expectLike(printed, text, { checkout: "/root/openexec", home: "/root" });
      continue;
    }
    printed = await result(`${nameOf(index)}.out`);
    const code = (await result(`${nameOf(index)}.code`)).trim();
    expect(code === "0", `${document}, line ${line}: ${text}\n${printed}`).toBe(
      !words.includes("fails"),
    );
  }
}

test.skipIf(missing !== "")(
  `under a real systemd, the service serves in its sandbox, reloads, restarts and is watched${missing}`,
  async () => {
    await furnish();
    const { error } = await run(join(program.root, "test/systemd/boot.sh"), { args: [folder] });
    expect(await result("out"), error).not.toBe("");
    await expectAsDocumented();
    const lines = (await result("out")).trim().split("\n");
    const said = new Map(
      lines.map((
        line,
      ): [string, string] => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    const problems = await result("error");
    const json = (name: string): unknown => JSON.parse(said.get(name) || "null");

    expect(said.get("active"), problems).toBe("active");
    expect(said.get("status")).not.toBe("");
    expect(said.get("/run/openexec/agent.sock")).toBe("660 root openexec-agents");
    expect(said.get("/run/openexec/review.sock")).toBe("660 root openexec-approvers");
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
      unreachable: [],
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
    expect(await result("stranger")).toContain("(EACCES)");
    expect([said.get("reload"), said.get("restart")]).toEqual(["0", "0"]);
    expect(json("again")).toMatchObject({ result: { greeting: "hello systemd" }, replayed: true });
    expect(json("revived")).toMatchObject({ result: { greeting: "hello again" } });
    expect(said.get("result")).toBe("success 0");
  },
  600 * SECONDS,
);
