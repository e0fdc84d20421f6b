import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { Refusal } from "../../src/core/errors.ts";
import { type Hold, SMALL_BYTES, Turns } from "../../src/server/admission/turns.ts";

const MIB = 2 ** 20;
const LIMITS = { heldBytesPerUid: 4 * MIB, heldBytes: 6 * MIB };

/** Takes turns and writes down who began, in order. */
class Scene {
  now = 0;
  /** How long each request holds the loop as it begins. */
  loopHeldMs = 0;
  readonly pauses: { readonly act: () => void; readonly ms: number }[] = [];
  readonly turns = new Turns(LIMITS, () => this.now, (act, ms) => this.pauses.push({ act, ms }));
  readonly began: string[] = [];
  readonly holds = new Map<string, Hold>();

  ask(uid: number, name: string, bytes = 0, isGone = () => false): Promise<void> {
    return this.turns.take(uid, bytes, isGone).then((hold) => {
      if (hold === null) return;
      this.began.push(name);
      this.holds.set(name, hold);
      this.now += this.loopHeldMs;
    }, (error) => void this.began.push(`${name} ${error instanceof Refusal ? error.code : error}`));
  }

  /** Lets as many requests begin as there are turns. */
  async pass(turns: number): Promise<void> {
    for (let i = 0; i < turns; i++) await nextTurn();
  }
}

test("one request begins in each turn of the event loop", async () => {
  const scene = new Scene();
  for (let i = 0; i < 5; i++) void scene.ask(1, `a${i}`);
  const seen: number[] = [];
  for (let i = 0; i < 7; i++) {
    await nextTurn();
    seen.push(scene.began.length);
  }
  expect(Math.max(...seen.map((count, i) => count - (seen[i - 1] ?? 0)))).toBe(1);
  expect(scene.began).toEqual(["a0", "a1", "a2", "a3", "a4"]);
});

test("after a request that held the event loop for long none begins for as long again", async () => {
  const scene = new Scene();
  scene.loopHeldMs = 50;
  for (const name of ["a1", "a2", "a3"]) void scene.ask(1, name);
  await scene.pass(5);
  expect([scene.began, scene.pauses.map(({ ms }) => ms)]).toEqual([["a1"], [50]]);
  scene.loopHeldMs = 1;
  scene.pauses[0]?.act();
  await scene.pass(5);
  expect([scene.began, scene.pauses.length]).toEqual([["a1", "a2", "a3"], 1]);
});

test("while others are at work a uid rests for twice as long as its turns took", async () => {
  const scene = new Scene();
  await scene.ask(2, "b1");
  scene.loopHeldMs = 2;
  for (const name of ["a1", "a2", "a3"]) void scene.ask(1, name);
  await scene.pass(5);
  expect([scene.began, scene.pauses.map(({ ms }) => ms)]).toEqual([["b1", "a1"], [4]]);
  scene.loopHeldMs = 0;
  void scene.ask(2, "b2"); // does not wait for who rests
  await scene.pass(5);
  expect(scene.began).toEqual(["b1", "a1", "b2"]);
  scene.now = 6;
  scene.pauses[0]?.act();
  await scene.pass(5);
  expect(scene.began.slice(3, 4)).toEqual(["a2"]);
});

test("of uids that all rest the one that had least begins at once", async () => {
  const scene = new Scene();
  scene.loopHeldMs = 3;
  for (const uid of [1, 2]) for (let i = 0; i < 4; i++) void scene.ask(uid, `${uid}`);
  await scene.pass(20);
  expect([scene.began.length, scene.pauses]).toEqual([8, []]);
});

test("who had less of the loop lately does not rest for who had more", async () => {
  const scene = new Scene();
  scene.loopHeldMs = 3;
  for (let i = 0; i < 9; i++) void scene.ask(1, "a");
  await scene.pass(30);
  for (let i = 0; i < 3; i++) void scene.ask(2, "b");
  void scene.ask(1, "last");
  await scene.pass(2);
  const pauses = scene.pauses.length;
  await scene.pass(10);
  expect([scene.began.slice(9).filter((name) => name === "b").length, pauses]).toEqual([3, 0]);
});

test("a uid whose others wait for their handlers, or have ended, does not rest", async () => {
  const scene = new Scene();
  await scene.ask(2, "b1");
  await scene.ask(3, "c1");
  scene.holds.get("c1")?.release();
  await scene.pass(3);
  scene.now = 100;
  scene.loopHeldMs = 3;
  for (const name of ["a1", "a2", "a3"]) void scene.ask(1, name);
  await scene.pass(8);
  expect([scene.began, scene.pauses]).toEqual([["b1", "c1", "a1", "a2", "a3"], []]);
});

test("while others are at work a uid begins nothing beside its large work, and rests after it", async () => {
  const scene = new Scene();
  await scene.ask(2, "b1");
  await scene.ask(1, "a1");
  await scene.pass(3);
  const end = scene.holds.get("a1")?.work(SMALL_BYTES + 1);
  scene.now = 9;
  void scene.ask(1, "a2");
  void scene.ask(2, "b2");
  await scene.pass(5);
  expect([scene.began, scene.pauses]).toEqual([["b1", "a1", "b2"], []]);
  end?.();
  await scene.pass(5);
  expect([scene.began.length, scene.pauses.map(({ ms }) => ms)]).toEqual([3, [18]]);
  scene.now = 27;
  scene.pauses[0]?.act();
  await scene.pass(5);
  expect(scene.began).toEqual(["b1", "a1", "b2", "a2"]);
});

test("what is large at once is one turn, and the uid rests once for all that followed", async () => {
  const scene = new Scene();
  await scene.ask(2, "b1");
  await scene.ask(1, "a1");
  await scene.pass(3);
  const ends = [1, 2].map(() => scene.holds.get("a1")?.work(SMALL_BYTES + 1));
  for (const end of ends) {
    scene.now += 5;
    end?.();
    await scene.pass(1);
  }
  void scene.ask(1, "a2");
  await scene.pass(5);
  expect([scene.began, scene.pauses.map(({ ms }) => ms)]).toEqual([["b1", "a1"], [20]]);
});

test("large work that nobody ended is over with its request, and is ended once", async () => {
  const scene = new Scene();
  await scene.ask(2, "b1");
  await scene.ask(1, "a1");
  await scene.pass(3);
  const hold = scene.holds.get("a1");
  const end = hold?.work(SMALL_BYTES + 1);
  hold?.work(SMALL_BYTES + 1);
  scene.now = 9;
  end?.();
  end?.();
  void scene.ask(1, "a2");
  await scene.pass(5);
  expect([scene.began, scene.pauses]).toEqual([["b1", "a1"], []]);
  hold?.release();
  await scene.pass(5);
  expect(scene.pauses.map(({ ms }) => ms)).toEqual([18]);
});

test("who rests for a short time is not kept waiting by who rests for a long one", async () => {
  const scene = new Scene();
  await scene.ask(3, "c1");
  await scene.pass(3);
  for (const [uid, tookMs] of [[1, 50], [2, 4]] as const) {
    await scene.ask(uid, `${uid}`);
    await scene.pass(3);
    const end = scene.holds.get(`${uid}`)?.work(SMALL_BYTES + 1);
    scene.now += tookMs;
    end?.();
    await scene.pass(3);
    void scene.ask(uid, `${uid} again`);
    await scene.pass(3);
  }
  expect(scene.pauses.map(({ ms }) => ms)).toEqual([100, 8]);
  scene.now += 8;
  scene.pauses[1]?.act();
  await scene.pass(3);
  expect(scene.began).toEqual(["c1", "1", "2", "2 again"]);
});

test("large work keeps a uid that is alone from nothing, and small work nobody", async () => {
  const scene = new Scene();
  await scene.ask(1, "a1");
  await scene.pass(3);
  scene.holds.get("a1")?.work(SMALL_BYTES + 1);
  scene.now = 9;
  await scene.ask(1, "a2");
  await scene.ask(2, "b1");
  await scene.pass(3);
  scene.holds.get("b1")?.work(SMALL_BYTES);
  scene.now = 99;
  void scene.ask(3, "c1");
  void scene.ask(2, "b2");
  await scene.pass(5);
  expect([scene.began, scene.pauses]).toEqual([["a1", "a2", "b1", "c1", "b2"], []]);
});

test("uids begin in turns, however many requests one has", async () => {
  const scene = new Scene();
  for (let i = 0; i < 100; i++) void scene.ask(1, "a");
  await scene.pass(10);
  const asked = [scene.ask(2, "b"), scene.ask(2, "b"), scene.ask(3, "c")];
  const before = scene.began.length;
  await Promise.all(asked);
  expect(scene.began.slice(before).filter((name) => name === "a").length).toBeLessThanOrEqual(3);
});

test("a uid whose answers are large lets others begin for their bytes", async () => {
  const scene = new Scene();
  await scene.ask(1, "large");
  scene.holds.get("large")?.weigh(32 * SMALL_BYTES);
  scene.holds.get("large")?.release();
  const again = scene.ask(1, "again");
  const others = Array.from({ length: 32 }, () => scene.ask(2, "small"));
  await Promise.all([again, ...others]);
  expect(scene.began.indexOf("again")).toBeGreaterThan(30);
});

test("a uid holds so much and no more, and others begin meanwhile", async () => {
  const scene = new Scene();
  for (const name of ["a1", "a2", "a3"]) void scene.ask(1, name, 2 * MIB);
  await scene.ask(2, "b1", 2 * MIB);
  await scene.pass(10);
  expect(scene.began.toSorted()).toEqual(["a1", "a2", "b1"]);
  scene.holds.get("a1")?.release();
  scene.holds.get("a1")?.release();
  await scene.pass(10);
  expect(scene.began).toHaveLength(4);
});

test("all uids together hold so much and no more; small requests begin all the same", async () => {
  const scene = new Scene();
  for (let uid = 1; uid <= 8; uid++) void scene.ask(uid, `large${uid}`, 2 * MIB);
  void scene.ask(9, "small", SMALL_BYTES);
  await scene.pass(30);
  expect(scene.began.toSorted()).toEqual(["large1", "large2", "large3", "small"]);
  scene.holds.get("large2")?.release();
  await scene.pass(10);
  expect(scene.began).toHaveLength(5);
});

test("a uid whose answers are not read begins nothing more until they are", async () => {
  const scene = new Scene();
  await scene.ask(1, "a1");
  scene.holds.get("a1")?.weigh(5 * MIB);
  void scene.ask(1, "a2");
  await scene.ask(2, "b");
  await scene.pass(10);
  expect(scene.began).toEqual(["a1", "b"]);
  scene.holds.get("a1")?.release();
  await scene.pass(10);
  expect(scene.began).toEqual(["a1", "b", "a2"]);
});

test("what is larger than any budget begins when nothing else is held", async () => {
  const scene = new Scene();
  await scene.ask(1, "huge", 100 * MIB);
  void scene.ask(1, "next", 100 * MIB);
  await scene.pass(10);
  scene.holds.get("huge")?.release();
  await scene.pass(10);
  expect(scene.began).toEqual(["huge", "next"]);
});

test("requests whose senders have gone take no turn", async () => {
  const scene = new Scene();
  for (let i = 0; i < 1000; i++) void scene.ask(1, "gone", 0, () => true);
  const last = scene.ask(1, "there");
  await scene.pass(10);
  await last;
  expect(scene.began).toEqual(["there"]);
});

test("a request that waited too long is refused as rate_limited", async () => {
  const scene = new Scene();
  await scene.ask(1, "a1", 4 * MIB);
  const late = scene.ask(1, "a2", MIB);
  await scene.pass(2);
  scene.now = 10_001;
  scene.holds.get("a1")?.release();
  await late;
  expect(scene.began).toEqual(["a1", "a2 rate_limited"]);
});

test("what a request opens counts, although its uid held nothing and others began", async () => {
  const scene = new Scene();
  await scene.ask(1, "a1");
  await scene.ask(2, "b1");
  await scene.ask(2, "b2");
  await scene.pass(4);
  scene.holds.get("a1")?.weigh(5 * MIB);
  void scene.ask(1, "a2", SMALL_BYTES);
  await scene.pass(4);
  expect(scene.began).toEqual(["a1", "b1", "b2"]);
  scene.holds.get("a1")?.release();
  await scene.pass(4);
  expect(scene.began).toEqual(["a1", "b1", "b2", "a2"]);
});

test("what began and has waited goes on in its turn, once its uid holds no more than it may", async () => {
  const scene = new Scene();
  const went: string[] = [];
  const goOn = (name: string) =>
    scene.holds.get(name)?.again().then((isThere) => {
      went.push(`${name} ${isThere}`);
      scene.holds.get(name)?.weigh(4 * MIB);
    });
  for (const name of ["a1", "a2", "a3"]) await scene.ask(1, name, MIB);
  await scene.ask(2, "b1");
  for (const name of ["a1", "a2", "a3", "b1"]) void goOn(name);
  await scene.pass(20);
  expect(went.toSorted()).toEqual(["a1 true", "b1 true"]);
  scene.now = 60_000;
  scene.holds.get("a1")?.release();
  await scene.pass(20);
  expect(went.toSorted()).toEqual(["a1 true", "a2 true", "b1 true"]);
});

test("what a request holds itself does not keep it from going on", async () => {
  const scene = new Scene();
  await scene.ask(1, "huge", 100 * MIB);
  expect(await scene.holds.get("huge")?.again()).toBe(true);
});

test("what waits for its turn again is told when its sender has gone", async () => {
  const scene = new Scene();
  let isGone = false;
  await scene.ask(1, "a1", 0, () => isGone);
  isGone = true;
  expect(await scene.holds.get("a1")?.again()).toBe(false);
});

test("the parts of what takes long have a turn each, whatever their uid holds", async () => {
  const scene = new Scene();
  const went: string[] = [];
  for (const name of ["a1", "a2"]) await scene.ask(1, name);
  for (const [name, hold] of scene.holds) {
    hold.weigh(5 * MIB);
    void hold.goOn().then((isThere) => went.push(`${name} ${isThere}`));
  }
  const seen: number[] = [];
  for (let i = 0; i < 5; i++) {
    await nextTurn();
    seen.push(went.length);
  }
  expect(seen).toContain(1);
  expect(went).toEqual(["a1 true", "a2 true"]);
});

test.each(["again", "goOn"] as const)(
  "what began and asks for its turn (%s) is not behind what waits for it to end",
  async (kind) => {
    const scene = new Scene();
    await scene.ask(1, "a1", 4 * MIB);
    void scene.ask(1, "a2", MIB);
    await scene.pass(2);
    expect(await scene.holds.get("a1")?.[kind]()).toBe(true);
    scene.holds.get("a1")?.release();
    await scene.pass(5);
    expect(scene.began).toEqual(["a1", "a2"]);
  },
  5_000,
);
