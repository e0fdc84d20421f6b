/**
 * The front door with real principals: an agent's curl, two approvers at real terminals, and a
 * daemon that is killed in between.
 */

import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { Daemon, openexec } from "../support/daemon.ts";
import { asUser, OTHER_GID, OTHER_GROUP, testAsOthers } from "../support/other_users.ts";
import { type PublicCheckout, publicCheckout } from "../support/public_checkout.ts";
import { Pane } from "../support/tmux.ts";
import { until } from "../support/until.ts";

/** Not the overflow uid: that one may not propose. */
const AGENT = 3;
const PEOPLE = { alice: 1, bob: 2 } as const;
type Person = keyof typeof PEOPLE;

let checkout: PublicCheckout;
let directory: string;
let daemon: Daemon;
const keys = new Map<string, string>();
const panes: Pane[] = [];
const at = (name: string) => `${directory}/${name}`;

beforeAll(() => {
  checkout = publicCheckout();
});
afterAll(async () => {
  for (const pane of panes) pane.close();
  await daemon?.close();
  checkout?.remove();
  await until(() => Deno.remove(directory, { recursive: true }).then(() => true, () => false));
});

beforeEach(() => {
  directory = Deno.makeTempDirSync({ prefix: "openexec-review-" });
  Deno.chmodSync(directory, 0o711);
  for (const [person, uid] of Object.entries(PEOPLE)) {
    Deno.mkdirSync(at(person), { mode: 0o700 });
    Deno.chownSync(at(person), uid, OTHER_GID);
    const [setpriv = "", ...who] = asUser(uid, OTHER_GID);
    const names = ["--keyid", `${person}-1`, "--name", person];
    const line = [checkout.openexec, "keygen", `${at(person)}/key`, ...names];
    keys.set(person, execFileSync(setpriv, [...who, ...line], { encoding: "utf8" }));
  }
});

const config = () =>
  `executor_id = "openexec:test"
${
    [...keys].map(([name, key]) =>
      `[[approvers]]\nname = "${name}"\nactions = ["*"]\nmax_ttl = "15m"\n${key}`
    ).join("\n")
  }
[actions.add]
module = "builtin:add"
approvals = 2
[[sockets]]
path = "${at("agent.sock")}"
mode = "0660"
group = "${OTHER_GROUP}"
uids = [${AGENT}]
[[sockets]]
path = "${at("review.sock")}"
role = "approver"
mode = "0660"
group = "${OTHER_GROUP}"
uids = [1, 2]
[[sockets]]
path = "${at("admin.sock")}"
role = "admin"
`;

function as(uid: number, line: string): string {
  return `${asUser(uid, OTHER_GID).join(" ")} ${line}`;
}

/** The agent asks once, and asks again under its nonce whenever nobody answers. */
function agent(): Pane {
  const body = JSON.stringify({ action: "add", payload: { a: 2, b: 3 }, nonce: "n-1" });
  const again = "--retry 1000 --retry-delay 1 --retry-all-errors";
  const pane = Pane.open(
    as(
      AGENT,
      `curl -sS ${again} --unix-socket ${at("agent.sock")} -H 'Prefer: wait=600' ` +
        `-H 'Content-Type: application/json' -d '${body}' http://localhost/proposals`,
    ),
    { columns: 200, rows: 50 },
  );
  panes.push(pane);
  return pane;
}

function reviewer(person: Person): Pane {
  const key = `--socket ${at("review.sock")} --key ${at(person)}/key`;
  const pane = Pane.open(as(PEOPLE[person], `${checkout.openexec} review ${key}`), {
    env: { HOME: at(person) },
  });
  panes.push(pane);
  return pane;
}

async function approveFirst(pane: Pane): Promise<void> {
  await pane.shows("> add");
  pane.press("Enter");
  await pane.shows("a approve");
  pane.press("a");
  await pane.shows("Approve this add? y n");
  pane.press("y");
}

testAsOthers(
  "curl outlasts a killed daemon, two approvers sign at two terminals, and it gets the result",
  async () => {
    daemon = await Daemon.start({ directory, config });
    const curl = agent();
    const alice = reviewer("alice");
    const screen = await alice.shows("1 wait");
    expect(screen).toContain(`uid ${AGENT}`);
    await daemon.stop("SIGKILL");
    await alice.shows("NOT CONNECTED to openexec:test");
    daemon = await Daemon.start({ directory });
    const bob = reviewer("bob");
    await approveFirst(alice);
    await alice.shows("Approved.");
    await bob.shows("1 signed");
    await daemon.stop("SIGKILL");
    daemon = await Daemon.start({ directory });
    await approveFirst(bob);
    await bob.shows("Approved. succeeded, receipt");
    await alice.shows("succeeded, receipt");
    await curl.shows(/"result":\{"result":5\}/);
    await curl.shows("[ended 0]");
    const audited = await openexec(daemon, ["audit", "--config", `${directory}/openexec.toml`]);
    expect(audited).toMatchObject({ code: 0 });
    const { stdout } = await openexec(daemon, ["list", "--admin", "--json"]);
    expect(stdout.trim().split("\n")).toHaveLength(1);
  },
);
