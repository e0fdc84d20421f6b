import { expect, test } from "vitest";
import { Refusal } from "../../../src/core/errors.ts";
import { GroupCommit } from "../../../src/ledger/store/group_commit.ts";
import { emptyState, readState, writeState } from "../../../src/ledger/store/state.ts";
import { Store } from "../../../src/ledger/store/store.ts";
import { refusalOf, TestClock } from "../scene.ts";
import { temporaryFolder } from "../temporary.ts";

async function commitsOn<S extends Store>(store: S): Promise<{ store: S; commits: GroupCommit }> {
  await Store.prototype.commit.call(store, () => void writeState(store.tables, emptyState()));
  return { store, commits: new GroupCommit(store, new TestClock()) };
}

const key = (number: number) => new Uint8Array([number]);

/** Commits, and then says that it did not. */
class LyingStore extends Store {
  override async commit(work: () => void): Promise<void> {
    await super.commit(work);
    throw new Refusal("storage_full");
  }
}

/** Counts, and lets a test wait before a commit is on disk. */
class WatchedStore extends Store {
  commits = 0;
  gate: Promise<void> = Promise.resolve();
  override async commit(work: () => void): Promise<void> {
    this.commits++;
    await super.commit(work);
    await this.gate;
  }
}

test("work that waits together shares one transaction, and nothing is answered before it is on disk", async () => {
  const { store, commits } = await commitsOn(new WatchedStore({ directory: temporaryFolder() }));
  const opened = Promise.withResolvers<void>();
  store.gate = opened.promise;
  const answered: string[] = [];
  const works = Array.from({ length: 10 }, (_, n) =>
    commits.add(() => {
      store.tables.sealed.put(key(n), key(n));
      if (n === 9) throw new TypeError("a bug");
      return n;
    }).then((value) => answered.push(`${value}`), () => answered.push("failed")));
  const refused = commits.add(() => {
    throw new Refusal("nonce_reused");
  }).catch((error: Refusal) => answered.push(error.code));
  await expect.poll(() => store.tables.sealed.get(key(0))).toEqual(key(0));
  expect(answered).toEqual(["failed"]);
  opened.resolve();
  await Promise.all([...works, refused]);
  expect(answered.toSorted()).toEqual([
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "failed",
    "nonce_reused",
  ]);
  expect(store.commits).toBe(2);
  expect(store.tables.sealed.get(key(9))).toBeUndefined();
  await store.close();
});

test("a refusal after a write is a bug: what was written is rolled back, and the others are not harmed", async () => {
  const { store, commits } = await commitsOn(new Store({ directory: temporaryFolder() }));
  const late = commits.add((state) => {
    store.tables.sealed.put(key(1), key(1));
    state.executions = 99;
    throw new Refusal("halted");
  });
  const other = commits.add((state) => ++state.executions);
  expect(await refusalOf(late)).toBe("halted");
  expect(await other).toBe(1);
  expect(store.tables.sealed.get(key(1))).toBeUndefined();
  expect(readState(store.tables)).toMatchObject({ executions: 1 });
  expect(commits.state()).toMatchObject({ executions: 1 });
  await store.close();
});

test("work that only refuses costs no transaction on disk", async () => {
  const { store, commits } = await commitsOn(new Store({ directory: temporaryFolder() }));
  const before = readState(store.tables);
  expect(
    await refusalOf(commits.add(() => {
      throw new Refusal("nonce_reused");
    })),
  ).toBe("nonce_reused");
  expect(readState(store.tables)).toEqual(before);
  await store.close();
});

test("a commit that failed and is there all the same ends all writing until a restart", async () => {
  const { store, commits } = await commitsOn(new LyingStore({ directory: temporaryFolder() }));
  const work = () => store.tables.sealed.put(key(1), key(1));
  expect(await refusalOf(commits.add(work))).toBe("ledger_unavailable");
  expect(store.unusable).toBe(true);
  expect(await refusalOf(commits.add(work))).toBe("ledger_unavailable");
});

test("what is waiting when the store gives up is refused, not forgotten", async () => {
  const { store, commits } = await commitsOn(new Store({ directory: temporaryFolder() }));
  const works = Array.from({ length: 5 }, () => refusalOf(commits.add(() => store.giveUp())));
  expect(await Promise.all(works)).toEqual(Array(5).fill("ledger_unavailable"));
  expect(await refusalOf(commits.add(() => {}))).toBe("ledger_unavailable");
});
