import { expect, test } from "vitest";
import { type ByteStream, utf8Decode } from "../../src/core/bytes.ts";
import { LineWriter } from "../../src/telemetry/log.ts";

/** A stream that takes at most `most` bytes at a time, and none until it is opened. */
class SlowStream implements ByteStream {
  text = "";
  writes = 0;
  #open: () => void = () => undefined;
  readonly #opened: Promise<void>;
  #ask: () => void = () => undefined;
  /** Resolves at the first write. */
  readonly asked: Promise<void>;

  constructor(private readonly most: number, open = true) {
    this.#opened = new Promise((resolve) => this.#open = resolve);
    if (open) this.#open();
    this.asked = new Promise((resolve) => this.#ask = resolve);
  }

  open(): void {
    this.#open();
  }

  async write(bytes: Uint8Array): Promise<number> {
    this.writes++;
    this.#ask();
    await this.#opened;
    const taken = bytes.subarray(0, this.most);
    this.text += utf8Decode(taken) ?? "";
    return taken.length;
  }
}

test("lines of one turn are written at once, in order", async () => {
  const stream = new SlowStream(1000);
  const writer = new LineWriter(stream, () => undefined);
  writer.write("a");
  writer.write("b");
  await writer.flush(60_000);
  expect(stream).toMatchObject({ text: "a\nb\n", writes: 1 });
});

test("a stream that takes a little at a time gets everything", async () => {
  const stream = new SlowStream(2);
  const writer = new LineWriter(stream, () => undefined);
  writer.write("abcde");
  await writer.flush(60_000);
  expect(stream.text).toBe("abcde\n");
});

test("write() never waits for a stream that has stopped; what is too much is dropped and counted", async () => {
  const stream = new SlowStream(2 ** 30, false);
  const lost: number[] = [];
  const writer: LineWriter = new LineWriter(stream, (count) => {
    lost.push(count);
    writer.write(`lost ${count}`);
  });
  writer.write("first");
  await stream.asked;
  const mebibyte = "x".repeat(2 ** 20);
  for (let i = 0; i < 6; i++) writer.write(mebibyte);
  writer.write("small");
  stream.open();
  await writer.flush(60_000);
  expect(lost).toEqual([3]);
  expect(stream.text).toBe(`first\n${`${mebibyte}\n`.repeat(4)}lost 3\n`);
});

test("a stream that is gone stops nothing", async () => {
  const writer = new LineWriter(
    { write: () => Promise.reject(new Error("EPIPE")) },
    () => undefined,
  );
  writer.write("a");
  await writer.flush(60_000);
  writer.write("b");
  await expect(writer.flush(60_000)).resolves.toBe(true);
});

test("flush() waits no longer than it was told for a stream that has stopped", async () => {
  const stream = new SlowStream(1, false);
  const writer = new LineWriter(stream, () => undefined);
  writer.write("a");
  await stream.asked;
  expect(await writer.flush(1)).toBe(false);
  stream.open();
  expect(await writer.flush(60_000)).toBe(true);
});
