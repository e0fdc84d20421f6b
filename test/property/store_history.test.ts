import fc from "fast-check";
import { expect, test } from "vitest";
import { Store } from "../../src/ledger/store/store.ts";
import type { Table } from "../../src/ledger/store/table.ts";
import { temporaryFolder } from "../ledger/temporary.ts";

const RUNS = Number(Deno.env.get("OPENEXEC_HISTORIES") ?? 15);
const NAMES = ["current", "log", "sealed"] as const;
type Name = typeof NAMES[number];
/** By key in hex. */
type Rows = Map<string, Uint8Array>;
type Model = Record<Name, Rows>;

/** They begin and end each other, and the last one is as long as LMDB allows. */
const KEYS = [[1], [1, 0], [1, 0, 0], [1, 255], [1, 255, 255], [2], [2, 10], [2, 160]]
  .map((bytes) => Uint8Array.from(bytes))
  .concat(new Uint8Array(1_978).fill(2), new Uint8Array(1_977).fill(2));
const END = Uint8Array.of(3);

interface Change {
  readonly table: Name;
  readonly key: Uint8Array;
  /** Bytes of the row; null removes it. */
  readonly length: number | null;
}

interface Commit {
  readonly changes: readonly Change[];
  readonly ends: "lands" | "files" | "throws";
}

type Step =
  | { readonly kind: "commits"; readonly commits: readonly Commit[] }
  | { readonly kind: "reopen" | "reader" };

const key = fc.constantFrom(...KEYS);
const change: fc.Arbitrary<Change> = fc.record({
  table: fc.constantFrom(...NAMES),
  key,
  length: fc.constantFrom(null, null, 0, 1, 7, 40, 6_000),
});
const commit: fc.Arbitrary<Commit> = fc.record({
  changes: fc.array(change, { maxLength: 6 }),
  ends: fc.constantFrom("lands", "lands", "lands", "files", "throws"),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("commits" as const),
      commits: fc.array(commit, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ kind: "reopen" as const }, { kind: "reader" as const }),
  },
);
const range = fc.record({
  start: fc.oneof(fc.constant(Uint8Array.of(1)), key),
  end: fc.oneof(fc.constant(END), key),
  reverse: fc.boolean(),
  limit: fc.constantFrom(1, 2, 5, Infinity),
});
type Range = typeof range extends fc.Arbitrary<infer T> ? T : never;

function make({ table, key, length }: Change, store: Store, model: Model, mark: number): void {
  if (length === null) {
    store.tables[table].remove(key);
    model[table].delete(key.toHex());
  } else {
    const row = new Uint8Array(length).fill(mark);
    store.tables[table].put(key, row);
    model[table].set(key.toHex(), row);
  }
}

function expectRows(table: Table, rows: Rows, ranges: readonly Range[]): void {
  for (const key of KEYS) {
    expect(table.get(key)?.toHex()).toBe(rows.get(key.toHex())?.toHex());
  }
  for (const { start, end, reverse, limit } of ranges) {
    const wanted = [...rows]
      .filter(([name]) => name >= start.toHex() && name < end.toHex())
      .sort(([a], [b]) => a < b ? -1 : 1);
    expect(table.count({ start, end })).toBe(wanted.length);
    if (reverse) wanted.reverse();
    wanted.splice(limit);
    const bounds = { start, end, reverse, ...(limit === Infinity ? {} : { limit }) };
    const found = Array.from(table.range(bounds), ({ key, value }) => [key.toHex(), value.toHex()]);
    expect(found).toEqual(wanted.map(([name, row]) => [name, row.toHex()]));
    expect(Array.from(table.keys(bounds), (key) => key.toHex())).toEqual(
      wanted.map(([name]) => name),
    );
  }
}

function copyOf({ current, log, sealed }: Model): Model {
  return { current: new Map(current), log: new Map(log), sealed: new Map(sealed) };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

class History {
  #store: Store;
  #model: Model = { current: new Map(), log: new Map(), sealed: new Map() };
  #made = 0;
  /** Stores that only read, and what they found. */
  readonly #readers: [Store, Model][] = [];

  constructor(
    private readonly ranges: readonly Range[],
    private readonly recentBytes: number,
    private readonly directory = temporaryFolder(),
  ) {
    this.#store = this.#open();
  }

  async run(step: Step): Promise<void> {
    if (step.kind === "commits") await this.#commits(step.commits);
    else if (step.kind === "reader") this.#readers.push([this.#open(true), copyOf(this.#model)]);
    else {
      await this.#store.close();
      this.#store = this.#open();
    }
    this.#expectRows();
  }

  async close(): Promise<void> {
    for (const [reader, model] of this.#readers) {
      this.#expectRows(reader, model);
      await reader.close();
    }
    await this.#store.close();
  }

  /** Asks for them at once, and reads in the turns until all have ended. */
  async #commits(commits: readonly Commit[]): Promise<void> {
    let isOpen = true;
    const ended = Promise.all(commits.map((commit) => this.#commit(commit)))
      .finally(() => isOpen = false);
    while (isOpen) {
      this.#expectRows();
      await turn();
    }
    await ended;
  }

  async #commit({ changes, ends }: Commit): Promise<void> {
    let after = this.#model;
    let beside: Promise<void> | undefined;
    const committed = this.#store.commit(() => {
      beside = Promise.resolve().then(() => this.#expectRows());
      after = copyOf(this.#model);
      for (const change of changes) {
        make(change, this.#store, after, ++this.#made);
        this.#expectRows(this.#store, after);
      }
      if (ends === "files") this.#store.file();
      if (ends === "throws") throw new Error("as asked");
    });
    if (ends === "throws") {
      await expect(committed).rejects.toThrow("as asked");
    } else {
      await committed;
      this.#model = after;
    }
    await beside;
    this.#expectRows();
  }

  #expectRows(store = this.#store, model = this.#model): void {
    for (const name of NAMES) expectRows(store.tables[name], model[name], this.ranges);
  }

  #open(readOnly = false): Store {
    const { directory, recentBytes } = this;
    return new Store({ directory, recentBytes, readOnly });
  }
}

test("tables read as maps do, whatever is recent, filed, rolled back or opened beside", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 12 }),
      fc.array(range, { minLength: 2, maxLength: 4 }),
      fc.constantFrom(0, 60, 3_000, 20_000),
      async (steps, ranges, recentBytes) => {
        const history = new History(ranges, recentBytes);
        for (const step of steps) await history.run(step);
        await history.run({ kind: "reader" });
        await history.close();
      },
    ),
    { numRuns: RUNS },
  );
});
