/** A real daemon with sockets for agents, approvers and operators, and two approvers. */

import { createHash } from "node:crypto";
import { join } from "node:path";
import type http from "node:http";
import { Approver, type Envelope } from "../support/approver.ts";
import { openexecHere } from "../cli/recording_terminal.ts";
import { Daemon } from "../support/daemon.ts";
import { call, type HttpAnswer } from "../support/http.ts";
import { until } from "../support/until.ts";

const handler = new URL("handlers/hold.ts", import.meta.url).pathname;
const digest = `sha256:${createHash("sha256").update(Deno.readFileSync(handler)).digest("hex")}`;

export interface DeskOptions {
  /** TOML before the first table, and tables. */
  readonly top?: string;
  readonly tables?: string | ((directory: string) => string);
  readonly concurrency?: number;
  /** Approvers that `pair` needs; 2 unless it says otherwise. */
  readonly pairApprovals?: number;
  /** Actions that are not configured. */
  readonly without?: readonly string[];
}

/** `echo` and `add` need one approver, `pair` needs two; `hold` waits until a test lets it go. */
export class Desk implements AsyncDisposable {
  readonly carol = new Approver("carol");
  private constructor(
    public daemon: Daemon,
    readonly alice: Approver,
    readonly bob: Approver,
    private readonly options: DeskOptions,
  ) {}

  static async start(options: DeskOptions = {}): Promise<Desk> {
    const directory = Deno.makeTempDirSync({ prefix: "openexec-desk-" });
    const [alice, bob] = [new Approver("alice"), new Approver("bob")];
    const marks = join(directory, "marks");
    Deno.mkdirSync(marks);
    const config = configOf(directory, [alice, bob], options);
    const daemon = await Daemon.start({ directory, config });
    return new Desk(daemon, alice, bob, options);
  }

  get directory(): string {
    return this.daemon.directory;
  }

  socket(name: "agent" | "review" | "admin"): string {
    return join(this.directory, `${name}.sock`);
  }

  /** Ends the daemon, as its signal has it, and starts another on the same state. */
  async again(signal: Deno.Signal = "SIGKILL", options = this.options): Promise<void> {
    await this.daemon.stop(signal);
    const approvers = [this.alice, this.bob, ...(options.pairApprovals === 3 ? [this.carol] : [])];
    const config = configOf(this.directory, approvers, options);
    this.daemon = await Daemon.start({ directory: this.directory, config });
  }

  /** Has the daemon take other approvers. */
  reload(approvers: readonly Pick<Approver, "toml">[]): void {
    this.daemon.configure(configOf(this.directory, approvers, this.options));
    this.daemon.process.kill("SIGHUP");
  }

  /** Backs the ledger up and brings the copy back, as an operator does. */
  async restore(): Promise<void> {
    const backup = join(this.directory, "state/backup");
    await this.admin("POST", "/admin/backup", { directory: backup });
    await this.daemon.stop("SIGTERM");
    const { code, stderr } = await openexecHere(this.daemon, ["restore", backup]);
    if (code !== 0) throw new Error(stderr);
    await this.again();
  }

  agent(
    method: string,
    path: string,
    body?: unknown,
    headers: http.OutgoingHttpHeaders = {},
  ): Promise<HttpAnswer> {
    return call(this.socket("agent"), method, path, body, headers);
  }

  review(method: string, path: string, body?: unknown): Promise<HttpAnswer> {
    return call(this.socket("review"), method, path, body);
  }

  admin(method: string, path: string, body?: unknown): Promise<HttpAnswer> {
    return call(this.socket("admin"), method, path, body);
  }

  /** Proposes; the answer is the proposal. */
  propose(
    action: string,
    payload: unknown = {},
    rest: Readonly<Record<string, unknown>> = {},
    headers: http.OutgoingHttpHeaders = {},
  ): Promise<HttpAnswer> {
    return this.agent("POST", "/proposals", { action, payload, ...rest }, headers);
  }

  /** The proposal as a reviewer sees it. */
  async shown(id: string) {
    return (await this.review("GET", `/proposals/${id}`)).json;
  }

  /** Reads it, signs it, and posts the signature. */
  async approve(
    id: string,
    by: Approver = this.alice,
    claims: Readonly<Record<string, unknown>> = {},
  ): Promise<HttpAnswer> {
    return await this.sign(id, by.consent(await this.shown(id), claims));
  }

  sign(id: string, envelope: Envelope): Promise<HttpAnswer> {
    return this.review("POST", `/proposals/${id}/approvals`, envelope);
  }

  async decline(id: string, reason = "no", by: Approver = this.alice): Promise<HttpAnswer> {
    const decision = by.decline(await this.shown(id), reason);
    return await this.review("POST", `/proposals/${id}/decline`, decision);
  }

  /** Waits, as its proposer, for the end. */
  async end(id: string): Promise<HttpAnswer> {
    return await this.agent("GET", `/proposals/${id}`, undefined, { prefer: "wait=60" });
  }

  /** A payload of `hold` that goes on until `letGo`. */
  held(label: string): Record<string, string> {
    return { folder: join(this.directory, "marks"), label, how: "hold" };
  }

  /** How often a held one was started. */
  starts(label: string): number {
    const names = Array.from(Deno.readDirSync(join(this.directory, "marks")), ({ name }) => name);
    return names.filter((name) => name.startsWith(`${label}.`) && !name.endsWith(".go")).length;
  }

  started(label: string): Promise<void> {
    return until(() => this.starts(label) > 0);
  }

  letGo(label: string): void {
    Deno.writeTextFileSync(join(this.directory, "marks", `${label}.go`), "");
  }

  /** Audits what the daemon has written so far. */
  async audit(): Promise<{ code: number; text: string }> {
    const { code, stdout, stderr } = await openexecHere(this.daemon, ["audit"]);
    return { code, text: stdout + stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon.close();
    Deno.removeSync(this.directory, { recursive: true });
  }
}

function configOf(
  directory: string,
  approvers: readonly Pick<Approver, "toml">[],
  { top = "", tables = "", concurrency = 2, pairApprovals = 2, without = [] }: DeskOptions,
): string {
  const marks = join(directory, "marks");
  const socket = (name: string, role: string) =>
    `[[sockets]]\npath = "${directory}/${name}.sock"\nrole = "${role}"\n`;
  return [
    'executor_id = "openexec:test"',
    top,
    socket("agent", "agent"),
    ...(top.includes("demo") ? [] : [socket("review", "approver")]),
    socket("admin", "admin"),
    ...approvers.map((approver) => approver.toml()),
    '[actions.echo]\nmodule = "builtin:echo"',
    ...(without.includes("add") ? [] : ['[actions.add]\nmodule = "builtin:add"']),
    `[actions.pair]\nmodule = "builtin:echo"\napprovals = ${pairApprovals}`,
    `[actions.hold]\nmodule = "${handler}"\ndigest = "${digest}"\nconcurrency = ${concurrency}`,
    `allow = { read = ["${marks}"], write = ["${marks}"] }`,
    typeof tables === "string" ? tables : tables(directory),
  ].join("\n");
}
