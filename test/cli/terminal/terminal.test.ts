import { execFileSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect } from "vitest";
import { OPENEXEC } from "../../support/daemon.ts";
import { homeAt } from "../../support/runtime_cache.ts";
import { Pane } from "../../support/tmux.ts";
import { testWith } from "../../support/tools.ts";

let folder: string;
beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "openexec-terminal-" });
  execFileSync(OPENEXEC, ["keygen", `${folder}/approver.key`, "--name", "alice"]);
  execFileSync("mkfifo", [`${folder}/start`]);
});
afterAll(() => Deno.remove(folder, { recursive: true }));

/** A person approves `payload` at a terminal, the request being standard input. */
function approving(payload: string, output: string, before = ""): Pane {
  const pipe = `${before}${OPENEXEC} request pay '${payload}' | ` +
    `${OPENEXEC} approve --key ${folder}/approver.key --aud a - > ${folder}/${output}`;
  return Pane.open(pipe, { cwd: folder, env: homeAt(folder) });
}

const approvedIn = (output: string) => readFileSync(`${folder}/${output}`, "utf8");

testWith("tmux")(
  "approve asks at the terminal although standard input is the request, and takes the answer",
  async () => {
    const pane = approving('{"to":"a\\u202eb","n":1}', "approved.json");
    try {
      const screen = await pane.shows("Approve this? [y/N]");
      expect(screen).toContain("a\\u202eb");
      pane.type("y\n");
      await pane.shows("[ended 0]");
      expect(JSON.parse(approvedIn("approved.json"))).toMatchObject({ action: "pay" });
    } finally {
      pane.close();
    }
  },
);

testWith("tmux")("approve signs nothing when the answer is no, and says so", async () => {
  const pane = approving("{}", "declined.json");
  try {
    await pane.shows("Approve this? [y/N]");
    pane.type("n\n");
    expect(await pane.shows("[ended 1]")).toContain("declined: nothing was signed");
    expect(approvedIn("declined.json")).toBe("");
  } finally {
    pane.close();
  }
});

testWith("tmux")(
  "approve drops what was typed before its question, whole lines and parts",
  async () => {
    const pane = approving("{}", "ahead.json", `echo waiting; cat ${folder}/start; `);
    try {
      await pane.shows("waiting");
      pane.type("y\ny\ny");
      await pane.shows(/y\ny\ny/);
      closeSync(openSync(`${folder}/start`, "w"));
      await pane.shows("Approve this? [y/N]");
      pane.type("n\n"); // a part that was kept would make it "yn"
      await pane.shows("[ended 1]");
      expect(approvedIn("ahead.json")).toBe("");
    } finally {
      pane.close();
    }
  },
);

testWith("tmux")(
  "approve pages a long payload, and repeats what it is beside the question",
  async () => {
    const list = JSON.stringify({ list: Array.from({ length: 300 }, (_, i) => i) });
    const pane = approving(list, "long.json");
    try {
      await pane.shows("23 of 307 lines");
      for (let page = 2; page <= 13; page++) {
        pane.type("\n");
        await pane.shows(`${23 * page} of 307 lines`);
      }
      pane.type("\n");
      const screen = await pane.shows("Approve this? [y/N]");
      for (const text of ["action  pay", "304 lines, 1,100 bytes", "sha256:"]) {
        expect(screen).toContain(text);
      }
      pane.type("y\n");
      await pane.shows("[ended 0]");
    } finally {
      pane.close();
    }
  },
);

testWith("tmux")("approve --out leaves no file for a no", async () => {
  const line =
    `${OPENEXEC} request pay | ${OPENEXEC} approve --key approver.key --aud a --out no.json`;
  const pane = Pane.open(line, { cwd: folder, env: homeAt(folder) });
  try {
    await pane.shows("Approve this? [y/N]");
    pane.type("n\n");
    await pane.shows("[ended 1]");
    expect(existsSync(`${folder}/no.json`)).toBe(false);
  } finally {
    pane.close();
  }
});
