import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { Daemon, openexec } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { HAS_STRACE, MAY_TRACE } from "../support/strace.ts";
import { type Books, openBooks } from "./daemon_books.ts";
import { Clients } from "./daemon_clients.ts";
import { type Death, liveAndDie } from "./daemon_deaths.ts";

const KILLS = Number(Deno.env.get("OPENEXEC_KILLS") ?? 15);
const PER_KILL_MS = 30_000;
const CLIENTS = 8;
/** `openexec audit` reads the whole log, so it runs after some of the deaths and at the end. */
const AUDIT_EVERY = 6;
const PRUNE_EVERY_MS = 300;
/** The steps at which at least one of KILLS deaths surely comes, where the system's tools let us. */
const SURE_DEATHS = [
  "at random, working",
  ...(HAS_STRACE ? ["before a flush"] : []),
  ...(MAY_TRACE
    ? ["before a start message", "before an executor is read", "before an answer"]
    : []),
];

const handler = new URL("handlers/leave_mark.ts", import.meta.url).pathname;

/**
 * One action that runs once and one that runs again; nothing is kept for longer than a second, so that much is pruned, and
 * what is proposed expires after two.
 */
function configOf(directory: string, approvers: string): string {
  const digest = createHash("sha256").update(Deno.readFileSync(handler)).digest("hex");
  const action = `module = "${handler}"
digest = "sha256:${digest}"
concurrency = 4
isolation = "reuse"
allow = { write = ["${directory}/marks", "${directory}/locks"] }`;
  const socket = (name: string, role: string) =>
    `[[sockets]]\npath = "${directory}/${name}.sock"\nrole = "${role}"`;
  return `executor_id = "openexec:test"
${socket("agent", "agent")}
${socket("admin", "admin")}
${socket("review", "approver")}
[proposals]
expires = "2s"
per_uid = 1000
per_minute = 100000
${approvers}
[actions.once]
${action}
[actions.again]
${action}
idempotent = true
on_interrupt = "rerun"
[retention]
payload = "1s"
result = "1s"
`;
}

test(
  "killed anywhere, again and again, the daemon starts nothing twice and keeps every answer",
  async () => {
    const directory = Deno.makeTempDirSync({ prefix: "openexec-crash-" });
    for (const folder of ["marks", "locks"]) Deno.mkdirSync(`${directory}/${folder}`);
    const clients = await Clients.start(CLIENTS, directory);
    let pruning: ReturnType<typeof setInterval> | undefined;
    try {
      const first = await Daemon.start({
        directory,
        config: configOf(directory, clients.approvers),
      });
      await clients.begin(first.socket);
      pruning = setInterval(() => {
        call(`${directory}/admin.sock`, "POST", "/admin/prune", {}).catch(() => {}); // nobody may be there
      }, PRUNE_EVERY_MS);
      await first.stop("SIGKILL");
      const deaths: Death[] = [];
      while (deaths.length < KILLS) {
        const death = await liveAndDie(directory, deaths.length, (count) => clients.told(count));
        deaths.push(death);
        if (deaths.length % AUDIT_EVERY === 0) await expectCleanAudit(first, death);
      }
      const last = await Daemon.start({ directory });
      await clients.end();
      clearInterval(pruning);
      expect((await last.stop()).code).toBe(0);
      await expectCleanAudit(last);
      const books = await openBooks(directory, clients.answers);
      report(deaths, books, clients.answers.length);
      expect(books.violations).toEqual([]);
      expect(books.starts).toBeGreaterThan(KILLS);
      expect([...books.ends.keys()]).toEqual(
        expect.arrayContaining(["approve succeeded", "decline declined", "withdraw withdrawn"]),
      );
      expect(deaths.map(({ where }) => where)).toEqual(expect.arrayContaining([...SURE_DEATHS]));
    } finally {
      clearInterval(pruning);
      clients.kill();
    }
    Deno.removeSync(directory, { recursive: true });
  },
  KILLS * PER_KILL_MS,
);

async function expectCleanAudit(daemon: Daemon, death?: Death): Promise<void> {
  const { code, stdout, stderr } = await openexec(daemon, ["audit"]);
  expect(code, `${death?.where}: ${stdout}${stderr}`).toBe(0);
}

function report(deaths: readonly Death[], books: Books, requests: number): void {
  const count = (items: readonly string[]) =>
    [...Map.groupBy(items, (item) => item)].map(([item, all]) =>
      `${String(all.length).padStart(6)}  ${item}`
    );
  const ready = deaths.flatMap(({ readyAfterMs }) => readyAfterMs === null ? [] : [readyAfterMs])
    .sort((a, b) => a - b);
  const lines = [
    `${deaths.length} deaths:`,
    ...count(deaths.map(({ where }) => where)).sort(),
    `${requests} requests, ${books.executions} executions, ${books.starts} starts:`,
    ...[...books.statuses].map(([status, times]) => `${String(times).padStart(6)}  ${status}`),
    `${books.proposals} proposals:`,
    ...[...books.ends].map(([end, times]) => `${String(times).padStart(6)}  ${end}`),
    `ready again after ${
      Math.round(ready[ready.length >> 1] ?? NaN)
    } ms (median of ${ready.length}), ` +
    `${Math.round(ready.at(-1) ?? NaN)} ms at most`,
  ];
  process.stdout.write(`\n${lines.join("\n")}\n`);
}
