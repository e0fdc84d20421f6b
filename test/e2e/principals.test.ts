/** Who gets in at the real daemon, what each may see, and what a process it starts has of it. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { actionToml, handler } from "../support/action_toml.ts";
import { Approver, request } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { listeningSockets } from "../support/listening_sockets.ts";
import { callAs, OTHER_GID, OTHER_GROUP, OTHER_UID, testAsOthers } from "../support/other_users.ts";
import { argumentsOf, childrenOf, descriptorsOf, environmentOf } from "../support/processes.ts";

const ROOT = [0, 0] as const;
const STRANGER = [OTHER_UID, OTHER_UID] as const;
/** In the sockets' group. */
const MEMBER = [OTHER_UID, OTHER_GID] as const;
/** In the group, and on the list of `listed.sock`. */
const LISTED = [1, OTHER_GID] as const;

const alice = new Approver("alice");
let directory: string;
let daemon: Daemon;
const at = (name: string) => `${directory}/${name}.sock`;

beforeAll(async () => {
  directory = Deno.makeTempDirSync({ prefix: "openexec-principals-" });
  Deno.chmodSync(directory, 0o711); // others reach the sockets: then it is the socket that decides
  const group = Deno.uid() === 0 ? `mode = "0660"\ngroup = "${OTHER_GROUP}"\n` : "";
  daemon = await Daemon.start({
    directory,
    env: { DAEMON_SECRET: "for the daemon's shell alone", GRANTED: "to this action" },
    config: `executor_id = "openexec:test"
${alice.toml()}
[actions.echo]
module = "builtin:echo"
[actions.add]
module = "builtin:add"
${
      actionToml(
        "wait",
        handler("wait_for_file.ts"),
        `isolation = "reuse"\nallow = { read = ["${directory}/gate"], env = ["GRANTED"] }`,
      )
    }
[[sockets]]
path = "${at("private")}"
[[sockets]]
path = "${at("group")}"
actions = ["echo"]
${group}
[[sockets]]
path = "${at("listed")}"
uids = [1]
${group}
[[sockets]]
path = "${at("admin")}"
role = "admin"
`,
  });
});

afterAll(async () => {
  await daemon.close();
  Deno.removeSync(directory, { recursive: true });
});

testAsOthers("another uid is refused by mode, by group and by the list of uids", async () => {
  const statusOf = async (who: readonly [number, number], socket: string) =>
    (await callAs(who, at(socket), "GET", "/ready")).status;
  expect([await statusOf(ROOT, "private"), await statusOf(MEMBER, "private")]).toEqual([200, null]);
  expect([await statusOf(MEMBER, "group"), await statusOf(STRANGER, "group")]).toEqual([200, null]);
  expect([await statusOf(LISTED, "listed"), await statusOf(MEMBER, "listed")]).toEqual([200, 403]);
  expect([await statusOf(ROOT, "admin"), await statusOf(MEMBER, "admin")]).toEqual([200, null]);
});

testAsOthers(
  "who is not on the list leaves nothing in the ledger, and a line in the log",
  async () => {
    const before = await logSize();
    const { json, pid } = await callAs(
      MEMBER,
      at("listed"),
      "POST",
      "/execute",
      alice.approve(request("echo", {})),
    );
    expect(json).toMatchObject({ code: "peer_denied", effect: "none" });
    await expect.poll(() =>
      daemon.output.filter((line) => line.includes("peer_denied")).map((l) => JSON.parse(l))
    )
      .toContainEqual(
        expect.objectContaining({
          code: "peer_denied",
          uid: OTHER_UID,
          pid,
          socket: "listed.sock",
        }),
      );
    expect(await logSize()).toBe(before);
  },
);

testAsOthers("the receipt names the uid, gid and pid that asked, and the socket", async () => {
  const approved = alice.approve(request("echo", { from: "a member" }));
  const { json, pid } = await callAs(MEMBER, at("group"), "POST", "/execute", approved);
  const receipt = JSON.parse(Buffer.from(json.attestation.payload, "base64").toString());
  expect(receipt.peer).toEqual({ uid: OTHER_UID, gid: OTHER_GID, pid, socket: "group.sock" });
});

testAsOthers("an agent sees its own executions alone, and an operator all", async () => {
  const approved = alice.approve(request("echo", { whose: "the member's" }));
  const { json: { id, log_index } } = await callAs(
    MEMBER,
    at("group"),
    "POST",
    "/execute",
    approved,
  );
  const targets = [
    `/executions/${id}`,
    `/executions?nonce=${approved.nonce}`,
    `/receipts/${log_index}`,
  ];
  for (const target of targets) {
    expect((await callAs(MEMBER, at("group"), "GET", target)).status).toBe(200);
    expect((await callAs(ROOT, at("group"), "GET", target)).json).toMatchObject({
      code: "execution_not_found",
    });
    expect((await callAs(ROOT, at("admin"), "GET", target)).status).toBe(200);
  }
  const idsAs = async (who: readonly [number, number], socket: string) =>
    (await callAs(who, at(socket), "GET", "/executions")).json.executions.map((
      { id }: { id: string },
    ) => id);
  expect(await idsAs(MEMBER, "group")).toContain(id);
  expect(await idsAs(ROOT, "group")).not.toContain(id);
  expect(await idsAs(ROOT, "admin")).toContain(id);
});

testAsOthers("an approval for one uid serves no other", async () => {
  const approved = alice.approve(request("echo", {}), { sub: `uid:${OTHER_UID}` });
  const refused = await callAs(ROOT, at("group"), "POST", "/execute", approved);
  expect(refused.json).toMatchObject({ code: "approval_subject_mismatch" });
  expect((await callAs(MEMBER, at("group"), "POST", "/execute", approved)).status).toBe(200);
});

test("a socket takes the actions of its list, and shows no others", async () => {
  const refused = await call(
    at("group"),
    "POST",
    "/execute",
    alice.approve(request("add", { a: 1, b: 2 })),
  );
  expect(refused.json).toMatchObject({ code: "action_not_allowed", effect: "none" });
  const { json } = await call(at("group"), "GET", "/actions");
  expect(json.actions.map(({ name }: { name: string }) => name)).toEqual(["echo"]);
});

test.each([
  ["GET", "/metrics"],
  ["GET", "/admin/status"],
  ...["halt", "resume", "revoke", "resolve", "prune", "backup"].map((
    act,
  ) => ["POST", `/admin/${act}`]),
])("%s %s is for admin sockets only", async (method = "", path = "") => {
  const body = method === "POST" ? {} : undefined;
  const { status, json } = await call(at("private"), method, path, body);
  expect([status, json.code]).toEqual([403, "admin_only"]);
});

test("the daemon listens on its sockets and nothing else, and its executors on nothing", async () => {
  await using running = await runningExecutors();
  const own = listeningSockets(daemon.pid);
  const bound = ["private", "group", "listed", "admin"].map((name) => at(name));
  expect([own.internet, own.unix.map((path) => path.replace(/~\/s$/, "")).sort()]).toEqual([
    [],
    bound.sort(),
  ]);
  for (const pid of running.executors) {
    expect(listeningSockets(pid)).toEqual({ internet: [], unix: [] });
  }
});

test("an executor has the end of its channel and nothing else of the daemon", async () => {
  await using running = await runningExecutors();
  const daemons = new Set(descriptorsOf(daemon.pid));
  expect([...daemons].filter((file) => file.endsWith("data.mdb"))).not.toEqual([]);
  for (const pid of running.executors) {
    const own = descriptorsOf(pid);
    // Its standard error: what it says when it dies, read by the daemon.
    const [standardError = ""] = own.filter((file) => file.startsWith("pipe:"));
    const shared = own.filter((file) => daemons.has(file) && !file.startsWith("anon_inode:"));
    expect([...new Set(shared)].sort()).toEqual(["/dev/null", standardError].sort());
    expect(own.filter((file) => file.startsWith("/") && file !== "/dev/null")).toEqual([]);
  }
});

test("an executor has no variable but its own and what its action is granted, and goes first when memory is short", async () => {
  await using running = await runningExecutors();
  const ownScore = Number(Deno.readTextFileSync(`/proc/${daemon.pid}/oom_score_adj`));
  const runtimes = ["DENO_DIR", "DENO_NO_UPDATE_CHECK", "NO_COLOR"];
  const granted = running.executors.map((pid) => {
    const { GRANTED, ...others } = environmentOf(pid);
    expect(Object.keys(others).sort()).toEqual(runtimes);
    expect(Number(Deno.readTextFileSync(`/proc/${pid}/oom_score_adj`))).toBeGreaterThan(ownScore);
    return GRANTED;
  });
  // built-ins, the check of payloads, and the run
  expect(new Set(granted)).toEqual(new Set([undefined, "to this action"]));
  expect(environmentOf(daemon.pid)).not.toHaveProperty("DAEMON_SECRET");
});

test("an executor has the permissions of its action and no more", async () => {
  await using running = await runningExecutors();
  const granted = running.executors.map((pid) =>
    argumentsOf(pid).filter((argument) => /^(-A|--allow|--deny|-[RWNES])/.test(argument))
  );
  // FFI is for the first moment of our own code, which gives it up before there is any handler; the
  // modules are what handlers import
  const modules = `${directory}/state/executors/modules`;
  const none = ["--allow-ffi", `--allow-read=${modules}`].join(" ");
  const waits = [
    "--allow-ffi",
    `--allow-read=${directory}/gate,${modules}`,
    "--allow-env=GRANTED",
  ].join(" ");
  expect(new Set(granted.map((flags) => flags.join(" ")))).toEqual(new Set([none, waits]));
});

/** Both kinds of executors, one with a run that lasts until this is disposed of. */
async function runningExecutors() {
  const gate = `${directory}/gate`;
  const approved = alice.approve(request("wait", { file: gate }));
  const run = call(at("admin"), "POST", "/execute", approved);
  await expect.poll(async () => (await call(at("admin"), "GET", "/admin/status")).json.in_flight)
    .toBe(1);
  return {
    executors: childrenOf(daemon.pid),
    async [Symbol.asyncDispose]() {
      Deno.writeTextFileSync(gate, "");
      expect((await run).status).toBe(200);
      Deno.removeSync(gate);
    },
  };
}

async function logSize(): Promise<number> {
  return Number((await call(at("admin"), "GET", "/log/checkpoint")).text.split("\n")[1]);
}
