/**
 * Handlers that use public faults of the runtime (test/box/handlers/faults.ts), and what they aim
 * at.
 */

import { join } from "node:path";
import { readHandler } from "../../src/actions/pin.ts";
import { thisKernel } from "../../src/box/kernel.ts";
import type { ActionConfig, Permissions } from "../../src/config/config.ts";
import { Launcher } from "../../src/executor/launch.ts";
import { NO_PERMISSIONS } from "../../src/executor/permissions.ts";
import { handler, PoolUnderTest } from "../executor/pool_under_test.ts";

const FAULTS = new URL("./handlers/faults.ts", import.meta.url).pathname;
const MEBIBYTE = 1024 * 1024;
/** A worker of a handler's own reserves more than half a gibibyte before it does anything. */
const ROOMY_BYTES = 1024 * MEBIBYTE;
const PACKAGE = { name: "secret-package", exports: { "./x": "./secret-file.js" } };

export interface Target {
  readonly path?: string;
  readonly other?: string;
  readonly pid?: number;
}

export const NOTE = "const secret = 1;\n";

export class FaultsScene {
  readonly folder = Deno.makeTempDirSync({ prefix: "openexec-faults-" });
  /** Connections that the Unix socket has had. */
  connections = 0;
  readonly #listener: Deno.UnixListener;
  readonly #permissions: Readonly<Record<string, Permissions>>;
  #pool: PoolUnderTest | null = null;
  #launcher: Launcher | null = null;

  constructor() {
    for (const name of ["seen", "hidden/node_modules/secret-package", "written"]) {
      Deno.mkdirSync(this.path(name), { recursive: true, mode: 0o700 });
    }
    for (const name of ["seen", "hidden", "written"]) {
      Deno.writeTextFileSync(this.path(`${name}/note`), NOTE, { mode: 0o600 });
    }
    const manifest = this.path("hidden/node_modules/secret-package/package.json");
    Deno.writeTextFileSync(manifest, JSON.stringify(PACKAGE));
    this.#listener = Deno.listen({ transport: "unix", path: this.path("seen/socket") });
    void this.#accept();
    const [read, write] = [[this.path("seen")], [this.path("written")]];
    const changes = {
      none: {},
      read: { read },
      write: { write },
      readElsewhere: { read, write },
      folder: { read: write, write, env: ["API_URL", "TZ", "LANG"] },
      proxy: { net: ["127.0.0.1:8123"], read, write: read },
      run: { run: ["/bin/kill"] },
    };
    this.#permissions = Object.fromEntries(
      Object.entries(changes).map(([name, change]) => [name, { ...NO_PERMISSIONS, ...change }]),
    );
  }

  async start(): Promise<void> {
    const action = (changes: Partial<ActionConfig>) =>
      handler(FAULTS, { memoryBytes: ROOMY_BYTES, concurrency: 2, ...changes });
    const actions = Object.entries(this.#permissions).map(([name, allow]) =>
      [name, action({ allow })] as const
    );
    const reuse = action({ allow: this.permissions("folder"), isolation: "reuse" });
    this.#pool = await PoolUnderTest.start({ ...Object.fromEntries(actions), reuse });
    this.#launcher = await Launcher.open(this.path("executors"), {
      limits: { requestBytes: MEBIBYTE, resultBytes: MEBIBYTE },
      kernel: thisKernel(),
      variable: () => undefined,
    });
  }

  get pool(): PoolUnderTest {
    if (this.#pool === null) throw new Error("it was not started");
    return this.#pool;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  permissions(name: string): Permissions {
    return this.#permissions[name] ?? NO_PERMISSIONS;
  }

  /**
   * What a handler gets by a fault in a process like that of any action; "refused" where it is not
   * permitted.
   */
  async got(action: string, fault: string, target: Target = {}): Promise<unknown> {
    const outcome = await this.pool.run(action, { fault, ...target });
    if (outcome.status === "succeeded") return JSON.parse(outcome.resultText);
    return refusalIn(`${outcome.code}: ${this.pool.heard.failures.at(-1)?.reason}`);
  }

  /** The same where the runtime permits everything, so that only the kernel refuses. */
  async gotFromKernel(action: string, fault: string, target: Target = {}): Promise<unknown> {
    const process = this.#launcher?.start({
      handlers: new Map([["faults", await readHandler(FAULTS)]]),
      permissions: this.permissions(action),
      memoryBytes: 256 * MEBIBYTE,
      isUnguarded: true,
    });
    if (process === undefined || !await process.ready()) throw new Error("it does not start");
    const report = await process.run({
      id: "execution",
      handler: "faults",
      request: JSON.stringify({ action: "faults", payload: { fault, ...target } }),
      idempotencyKey: "key",
      traceparent: null,
      secrets: [],
      abortAfterMs: 60_000,
    }, () => {});
    process.retire();
    await process.exited;
    return report.kind === "succeeded" ? JSON.parse(report.result) : refusalIn(report.reason);
  }

  /** Permission bits of a file or folder. */
  modeOf(name: string): string {
    return ((Deno.lstatSync(this.path(name)).mode ?? 0) & 0o7777).toString(8);
  }

  async close(): Promise<void> {
    await this.pool.close();
    this.#launcher?.close();
    this.#listener.close();
    Deno.removeSync(this.folder, { recursive: true });
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.connections++;
      connection.close();
    }
  }
}

const REFUSAL = /NotCapable|PermissionDenied|EACCES|EPERM|[Nn]ot permitted/;

function refusalIn(reason: string): string {
  return REFUSAL.test(reason) ? "refused" : reason;
}
