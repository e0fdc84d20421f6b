/**
 * Small files whose creation and removal survive a power cut: the file is flushed, and then the
 * folder that names it.
 */

import { dirname, join } from "node:path";

const DRAFT = ".draft";
const OVERWRITE = { write: true, create: true, truncate: true, mode: 0o600 };

/** Says whether a power cut left this name behind before its file was complete. */
export function isDraft(name: string): boolean {
  return name.endsWith(DRAFT);
}

/** Writes `path` (0600) whole or not at all, in place of what was there. */
export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}${DRAFT}`;
  {
    using file = await Deno.open(draft, OVERWRITE);
    await writeAll(file, bytes);
    await file.sync();
  }
  await renameDurably(draft, path);
}

/** Renames a flushed file or folder; resolves when the new name is on disk. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await Deno.rename(from, to);
  await flush(dirname(to));
}

/** Overwrites `path` with zeros, then removes it. Each step is on disk before the next. */
export async function destroyDurably(path: string): Promise<void> {
  {
    using file = await openIfThere(path);
    if (file === undefined) return;
    const { size } = await file.stat();
    await writeAll(file, new Uint8Array(size));
    await file.sync();
  }
  await Deno.remove(path);
  await flush(dirname(path));
}

/** Flushes a file, or the names in a folder. */
export async function flush(path: string): Promise<void> {
  using file = await Deno.open(path);
  await file.sync();
}

/** Creates the folder (0700) if it is missing, and flushes its parent. */
export async function createFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    throw error;
  }
  await flush(join(path, ".."));
}

async function openIfThere(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path, { write: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}
