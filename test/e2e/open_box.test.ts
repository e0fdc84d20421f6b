/** A daemon whose box has a hole does not start: its program is copied, with one rule taken out. */

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { missingParts, thisKernel } from "../../src/box/kernel.ts";
import { Daemon } from "../support/daemon.ts";
import { until } from "../support/until.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const COPIED = ["bin", "src", "package.json", "node_modules"].map((part) => join(ROOT, part));

let checkout: string;
beforeAll(() => {
  checkout = Deno.makeTempDirSync({ prefix: "openexec-open-" });
  execFileSync("cp", ["-a", ...COPIED, checkout]);
});
afterAll(() => Deno.removeSync(checkout, { recursive: true }));

interface Hole {
  readonly file: string;
  readonly rule: string;
  readonly instead: string;
  /** What the start says. */
  readonly said: RegExp;
}

const HOLES: readonly (readonly [title: string, hole: Hole])[] = [
  ["Landlock around executors", {
    file: "src/box/spawner_thread.ts",
    rule: "restrictThread(message.ruleset);",
    instead: "",
    said: /The kernel lets handlers do what they were not permitted: read, write, create:/,
  }],
  ["the filter for system calls", {
    file: "src/box/enter.ts",
    rule: "filterAllThreads(new Uint32Array(withPids(filter, pids)));",
    instead: "withPids(filter, pids);",
    said:
      /The kernel lets handlers do what they were not permitted: mode, unix \(.+\), run \(.+\):/,
  }],
  ["the rule of the filter about modes", {
    file: "src/box/filter.ts",
    rule: "if (!write && !run) return rules;",
    instead: 'if (!write && !run) return [...rules, { call: "fchmodat", alternatives: [[]] }, ' +
      '{ call: "chmod", alternatives: [[]] }];',
    said: /The kernel lets handlers do what they were not permitted: mode:/,
  }],
  ["one permission of the runtime", {
    file: "src/executor/launch.ts",
    rule: '"--allow-ffi",',
    instead: '"--allow-ffi", "--allow-env",',
    said: /The runtime lets handlers do what they were not permitted: environment:/,
  }],
  ["the removal of the runtime's internals", {
    file: "src/executor/child/main.ts",
    rule: "removeInternals();\n",
    instead: "",
    said: /The runtime lets handlers do what they were not permitted: internals, gpu:/,
  }],
];

test.skipIf(missingParts(thisKernel()).length > 0).each(HOLES)(
  "a daemon does not start without %s",
  async (_, { file, rule, instead, said }) => {
    const text = Deno.readTextFileSync(join(checkout, file));
    expect(text.split(rule)).toHaveLength(2);
    Deno.writeTextFileSync(join(checkout, file), text.replace(rule, instead));
    const daemon = Daemon.launch({ openexec: join(checkout, "bin/openexec") });
    await daemon.process.status;
    Deno.writeTextFileSync(join(checkout, file), text);
    expect((await daemon.process.status).code).toBe(2);
    await until(() => daemon.output.length > 0);
    expect(daemon.output.join("\n")).toMatch(said);
    await daemon.close();
  },
);
