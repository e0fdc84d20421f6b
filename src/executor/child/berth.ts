/**
 * One worker with the harness in it, from its start until it is known to be gone.
 *
 * Invariant: what it says, and the URLs that were made for it, are its own; none of them outlives it.
 */

import type { Begin, FromWorker, ToWorker } from "./messages.ts";

export interface BerthOrder {
  readonly harness: Blob;
  readonly permissions: Deno.PermissionOptionsObject;
  readonly begin: Omit<Begin, "port" | "awaited">;
  /** The handler that the next run will be of, where that is known. */
  readonly awaited: Blob | undefined;
  readonly opened: () => void;
  readonly said: (berth: Berth, message: Exclude<FromWorker, { kind: "open" }>) => void;
  /** By an error that nobody caught. */
  readonly crashed: (berth: Berth, reason: string) => void;
}

export class Berth {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #urls = new Map<Blob, string>();
  #isOpen = false;

  constructor({ harness, permissions, begin, awaited, opened, said, crashed }: BerthOrder) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(this.urlOf(harness), { type: "module", deno: { permissions } });
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault(); // else it ends this process
      crashed(this, event.message);
    });
    port1.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind !== "open") return said(this, data);
      this.#isOpen = true;
      opened();
    };
    const first: Begin = {
      ...begin,
      awaited: awaited === undefined ? null : this.urlOf(awaited),
      port: port2,
    };
    this.#worker.postMessage(first, [port2]);
  }

  /** Whether the harness listens. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Where this worker finds the module. */
  urlOf(module: Blob): string {
    const url = this.#urls.get(module) ?? URL.createObjectURL(module);
    this.#urls.set(module, url);
    return url;
  }

  tell(order: ToWorker): void {
    this.#port.postMessage(order);
  }

  /** The runtime says nothing when a worker exits, but takes a message's buffer away only for one that is there to get it. */
  isAlive(): boolean {
    const buffer = new ArrayBuffer(1);
    this.#worker.postMessage(buffer, [buffer]);
    return buffer.detached;
  }

  /** Nothing that it says is heard any more. */
  close(): void {
    this.#port.close();
    for (const url of this.#urls.values()) URL.revokeObjectURL(url);
    this.#urls.clear();
  }
}
