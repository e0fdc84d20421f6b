import { join } from "node:path";
import { expect, test } from "vitest";
import { utf8Encode } from "../../../src/core/bytes.ts";
import { destroyDurably, writeDurably } from "../../../src/ledger/disk/durable_file.ts";
import { dieWriting } from "../../support/dies_writing.ts";
import { temporaryFolder } from "../temporary.ts";

const names = (folder: string) => Array.from(Deno.readDirSync(folder), ({ name }) => name);

test("writeDurably() replaces a file, with its own mode, and leaves no draft", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "file");
  Deno.writeTextFileSync(`${path}.draft`, "left by a crash", { mode: 0o644 });
  Deno.writeTextFileSync(path, "older", { mode: 0o644 });
  await writeDurably(path, utf8Encode("newer"));
  expect(Deno.readTextFileSync(path)).toBe("newer");
  expect((Deno.statSync(path).mode ?? 0) & 0o777).toBe(0o600);
  expect(names(folder)).toEqual(["file"]);
});

test("writeDurably() that fails leaves the file as it was", async () => {
  const path = join(temporaryFolder(), "file");
  Deno.writeTextFileSync(path, "older");
  Deno.mkdirSync(`${path}.draft/in-the-way`, { recursive: true });
  await expect(writeDurably(path, utf8Encode("newer"))).rejects.toThrow();
  expect(Deno.readTextFileSync(path)).toBe("older");
});

test("a process that dies in writeDurably() leaves the file as it was", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "file");
  Deno.writeTextFileSync(path, "older");
  const module = new URL("../../../src/ledger/disk/durable_file.ts", import.meta.url);
  const code = `import { writeDurably } from "${module}";
await writeDurably("${path}", new Uint8Array([1]));`;
  expect(await dieWriting(folder, code)).toBe("SIGXFSZ");
  expect(Deno.readTextFileSync(path)).toBe("older");
});

test("destroyDurably() removes a file, and is content if there is none", async () => {
  const folder = temporaryFolder();
  Deno.writeTextFileSync(join(folder, "file"), "secret");
  await destroyDurably(join(folder, "file"));
  await destroyDurably(join(folder, "file"));
  expect(names(folder)).toEqual([]);
});
