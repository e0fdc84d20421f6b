import { execFileSync } from "node:child_process";
import { afterEach, beforeAll, beforeEach, describe, expect } from "vitest";
import { OpenExecClient } from "../../../src/client/mod.ts";
import { FakeDaemon } from "../../client/fake_daemon.ts";
import { OPENEXEC } from "../../support/daemon.ts";
import { homeAt, RUNTIME_CACHE } from "../../support/runtime_cache.ts";
import { Pane, type PaneOptions } from "../../support/tmux.ts";
import { startSshServer } from "../../support/ssh_server.ts";
import { testWith } from "../../support/tools.ts";
import { until } from "../../support/until.ts";

let daemon: FakeDaemon;
let client: OpenExecClient;
let folder: string;
const panes: Pane[] = [];

/** The keys of all tests, of which each has copies. */
const keys = new Map<string, Uint8Array>();
beforeAll(() => {
  const made = Deno.makeTempDirSync({ prefix: "openexec-keys-" });
  for (const name of ["alice", "bob"]) {
    const file = `${made}/${name}.key`;
    execFileSync(OPENEXEC, ["keygen", file, "--keyid", `${name}-1`, "--name", name]);
    keys.set(`${name}.key`, Deno.readFileSync(file));
  }
  Deno.removeSync(made, { recursive: true });
});
beforeEach(async () => {
  daemon = await FakeDaemon.start();
  client = new OpenExecClient({ socketPath: daemon.socketPath });
  folder = await Deno.makeTempDir({ prefix: "openexec-review-" });
  for (const [name, key] of keys) Deno.writeFileSync(`${folder}/${name}`, key, { mode: 0o600 });
});
afterEach(async () => {
  for (const pane of panes.splice(0)) pane.close();
  client.close();
  await daemon[Symbol.asyncDispose]();
  // a command whose terminal has gone may still write
  await until(() => Deno.remove(folder, { recursive: true }).then(() => true, () => false));
});

/** A person sits down to review. */
function review(
  name = "alice",
  options: PaneOptions = {},
  sockets: readonly string[] = [daemon.socketPath],
): Pane {
  const places = sockets.map((path) => `--socket ${path}`).join(" ");
  const pane = Pane.open(`${OPENEXEC} review ${places} --key ${name}.key`, {
    cwd: folder,
    ...options,
    env: { ...homeAt(folder), ...options.env },
  });
  panes.push(pane);
  return pane;
}

const propose = (payload: object = { amount: 5 }, reason = "Invoice 7, please.") =>
  client.propose("pay", payload, { reason });
const claimsOf = (envelope: { payload: string } | undefined) =>
  JSON.parse(atob(envelope?.payload ?? ""));
const testAtTerminal = testWith("tmux");

describe("openexec review", () => {
  testAtTerminal(
    "shows what comes, live and whole, and approves after a second stroke",
    async () => {
      const pane = review();
      await pane.shows("Nothing waits.");
      await propose();
      expect(await pane.shows("> pay")).toMatch(/uid 1000, \d+ s ago +in 60 min/);
      pane.press("Enter");
      const screen = await pane.shows("a approve");
      for (
        const text of [
          'reason  "Invoice 7, please." (the agent\'s words)',
          '   2 |   "amount": 5',
          "action  pay, 3 lines, 12 bytes",
          "digest  sha256:",
          "handler sha256:abab",
          "reaches net api.example.com:443",
          "for     openexec:fake",
          "asked   by uid 1000 (pid 4711 then)",
          "signed  0 of 1",
          "expires in 60 min",
        ]
      ) expect(screen).toContain(text);
      pane.press("a");
      await pane.shows("Approve this pay? y n");
      expect(daemon.proposals.approvals).toEqual([]);
      pane.press("y");
      await pane.shows("Approved. succeeded, receipt 7");
      expect(claimsOf(daemon.proposals.approvals[0])).toMatchObject({ iss: "alice" });
      pane.press("Enter");
      await pane.shows("Nothing waits.");
      pane.press("q");
      await pane.shows("[ended 0]");
    },
  );

  testAtTerminal("declines with a reason that the agent is told", async () => {
    const { id } = await propose();
    const pane = review();
    await pane.shows("> pay");
    pane.press("Enter");
    await pane.shows("d decline");
    pane.press("d");
    await pane.shows("Why, for the agent");
    pane.type("not tomorrow");
    pane.press(...Array.from("tomorrow", () => "BSpace"));
    pane.type("today, quit");
    await pane.shows("not today, quit");
    pane.press("Enter");
    await pane.shows("Decline this pay? y n");
    pane.press("y");
    await pane.shows('declined by alice: "not today, quit"');
    expect((await client.proposal({ id })).decline?.reason).toBe("not today, quit");
  });

  testAtTerminal("anything but y signs nothing, and a paste decides nothing", async () => {
    await propose();
    const pane = review();
    await pane.shows("> pay");
    pane.press("Enter");
    await pane.shows("a approve");
    for (const key of ["n", "Escape", "Enter"]) {
      pane.press("a");
      await pane.shows("Approve this pay? y n");
      pane.press(key);
      await pane.shows("Nothing was signed.");
    }
    pane.type("ay");
    pane.press("a");
    await pane.shows("Approve this pay? y n");
    pane.type("yy");
    pane.press("n");
    await pane.shows("Nothing was signed.");
    expect(daemon.proposals.approvals).toEqual([]);
  });

  testAtTerminal("approves only once the end of a long payload was in view", async () => {
    await propose({ list: Array.from({ length: 40 }, (_, i) => i) });
    const pane = review();
    await pane.shows("> pay");
    pane.press("Enter");
    await pane.shows(/lines 1 to \d+ of 47/);
    pane.press("a");
    expect(await pane.shows("Look at all of it first")).toContain("action  pay, 44 lines");
    pane.press("PageDown");
    await pane.shows(/lines 1\d to/);
    for (let page = 0; page < 5; page++) pane.press("Space");
    expect(await pane.shows(/lines \d+ to 47 of 47/)).toContain("action  pay, 44 lines");
    pane.press("a");
    await pane.shows("Approve this pay? y n");
  });

  testAtTerminal("makes one entry of equal ones, and approves them all", async () => {
    for (let i = 0; i < 3; i++) await propose();
    await propose({ amount: 6 });
    const pane = review();
    expect(await pane.shows("> pay x3")).toContain("4 wait");
    pane.press("Enter");
    expect(await pane.shows("A D all 3 alike")).toContain("the same payload, of uid 1000");
    pane.press("A");
    await pane.shows("Approve all 3 pay? y n");
    pane.press("y");
    await pane.shows("Approved all 3.");
    const nonces = daemon.proposals.approvals.map((envelope) => claimsOf(envelope).nonce);
    expect(new Set(nonces).size).toBe(3);
    pane.press("Enter");
    expect(await pane.shows('"amount": 6')).toContain("1 wait");
  });

  testAtTerminal("says beside the question that the same payload ran already", async () => {
    const { id } = await propose();
    daemon.proposals.change(id, { status: "succeeded" });
    await propose();
    await propose();
    const pane = review();
    await pane.shows("> pay x2");
    pane.press("Enter");
    const screen = await pane.shows("a approve");
    const beside = screen.slice(screen.indexOf("action  pay"));
    expect(beside).toMatch(/^similar the same payload, of uid 1000, \d+ s ago: succeeded$/m);
  });

  testAtTerminal(
    "two reviewers see each other's decisions, and sign one body together",
    async () => {
      daemon.proposals.needed = 2;
      await propose();
      const [alice, bob] = [review("alice"), review("bob")];
      for (const pane of [alice, bob]) {
        await pane.shows("> pay");
        pane.press("Enter");
        await pane.shows("signed  0 of 2");
      }
      alice.press("a");
      await alice.shows("Approve this pay? y n");
      alice.press("y");
      await alice.shows("Approved.");
      await bob.shows("signed  1 of 2: alice (alice-1, ed25519)");
      alice.press("a");
      await alice.shows("You have signed this");
      bob.press("a");
      await bob.shows("Approve this pay? y n");
      bob.press("y");
      await bob.shows("succeeded, receipt 7");
      await alice.shows("succeeded, receipt 7");
      const [first, second] = daemon.proposals.approvals;
      expect(second?.payload).toBe(first?.payload);
    },
  );

  testAtTerminal(
    "keeps its place when what is shown ends elsewhere, and takes no key for it",
    async () => {
      const { id } = await propose();
      await propose({ amount: 6 });
      const pane = review();
      await pane.shows("2 wait");
      pane.press("Enter");
      await pane.shows('"amount": 5');
      pane.press("a");
      await pane.shows("Approve this pay? y n");
      await client.withdraw(id);
      await pane.shows("withdrawn (proposal_withdrawn)");
      pane.press("y");
      pane.press("a");
      expect(await pane.shows("Enter next")).toContain('"amount": 5');
      pane.press("Enter");
      await pane.shows('"amount": 6');
      expect(daemon.proposals.approvals).toEqual([]);
    },
  );

  testAtTerminal("takes its question back when the handler changes under it", async () => {
    const { id } = await propose();
    const pane = review();
    await pane.shows("> pay");
    pane.press("Enter");
    await pane.shows("a approve");
    pane.press("a");
    await pane.shows("Approve this pay? y n");
    daemon.proposals.change(id, {
      handler: { digest: `sha256:${"cd".repeat(32)}`, permissions: {}, secrets: ["token"] },
    });
    expect(await pane.shows("It has changed: look at it again.")).toContain("sha256:cdcd");
  });

  testAtTerminal("shows what deceives as what it is, and keeps it behind the gutter", async () => {
    const command = `true${" ".repeat(240)}; rm -rf /\u202e\u200bа`;
    await propose({ command }, "All good.\u001b[2J approved by alice");
    const pane = review();
    await pane.shows("> pay");
    pane.press("Enter");
    const screen = await pane.shows("a approve");
    expect(screen).toContain("All good.\\u001b[2J approved by alice");
    expect(screen).toContain("true\\u0020\\u0020");
    expect(screen.split("\n").filter((line) => /^\s*(; rm|digest .*digest)/.test(line))).toEqual(
      [],
    );
  });

  testAtTerminal("looks at several daemons, and refuses two of one name", async () => {
    await using other = await FakeDaemon.start();
    other.executorId = "openexec:other";
    const otherClient = new OpenExecClient({ socketPath: other.socketPath });
    await propose();
    await otherClient.propose("echo", {});
    otherClient.close();
    const pane = review("alice", {}, [daemon.socketPath, other.socketPath]);
    const screen = await pane.shows("2 wait");
    expect(screen).toContain("openexec:fake");
    expect(screen).toContain("openexec:other");
    other.executorId = "openexec:fake";
    const twins = review("bob", { env: { XDG_STATE_HOME: `${folder}/bob` } }, [
      daemon.socketPath,
      other.socketPath,
    ]);
    await twins.shows("both call themselves openexec:fake");
    await twins.shows("[ended 2]");
  });

  testWith("tmux", "ssh", "/usr/sbin/sshd")("works over ssh", async () => {
    await propose();
    const server = await startSshServer(folder);
    const line =
      `HOME=${folder} DENO_DIR=${RUNTIME_CACHE.DENO_DIR} ${OPENEXEC} review --socket ${daemon.socketPath} ` +
      `--key ${folder}/alice.key`;
    const pane = Pane.open(`ssh -tt ${server.args.join(" ")} 127.0.0.1 '${line}'`);
    panes.push(pane);
    await pane.shows("> pay");
    pane.press("Enter");
    await pane.shows("a approve");
    pane.press("a");
    await pane.shows("Approve this pay? y n");
    pane.press("y");
    await pane.shows("Approved. succeeded, receipt 7");
    pane.press("q");
    await pane.shows("[ended 0]");
    await server.close();
  });

  testAtTerminal("says that the daemon is gone, and goes on when it is back", async () => {
    const pane = review();
    await pane.shows("Nothing waits.");
    for (let i = 0; i < 3; i++) daemon.mishaps.push("reset");
    daemon.proposals.breakStreams();
    await pane.shows("NOT CONNECTED to openexec:fake");
    await propose();
    await pane.shows("> pay");
    await until(() => !pane.screen().includes("NOT CONNECTED"));
  });

  testAtTerminal(
    "fits other sizes, leaves bold type out with NO_COLOR, and gives the terminal back",
    async () => {
      await propose();
      const pane = review("alice", { columns: 40, rows: 20, env: { NO_COLOR: "1" } });
      await pane.shows("> pay");
      pane.press("Enter");
      await pane.shows("a approve");
      pane.resize(100, 30);
      const screen = await pane.shows("s skip   Space more   b list   q quit");
      expect(screen.trimEnd().split("\n").length).toBeLessThanOrEqual(30);
      pane.press("C-c");
      await pane.shows("[ended 0]");
      pane.type("typed");
      await pane.shows("typed");
    },
  );
});
