/**
 * Small files whose creation and removal survive a power cut: the file is flushed, and then the
 * folder that names it.
 */

import { writeAll } from "../../core/bytes.ts";
import { dirname, join } from "node:path";

const DRAFT = ".draft";

/** Says whether a power cut left this name behind before its file was complete. */
export function isDraft(name: string): boolean {
  return name.endsWith(DRAFT);
}

/** Writes `path` whole or not at all: a crash leaves the older file or the newer one. */
export async function replaceFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const draft = `${path}${DRAFT}`;
  {
    using file = await openDraft(draft, mode);
    await writeAll(file, bytes);
    await file.sync();
  }
  await Deno.rename(draft, path);
}

/** Replaces `path` (0600), and resolves when its name is on disk as well. */
export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await replaceFile(path, bytes, 0o600);
  await flush(dirname(path));
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

/** Never reuses the draft of an interrupted write: it would keep that file's mode. */
async function openDraft(path: string, mode: number): Promise<Deno.FsFile> {
  const options = { write: true, createNew: true, mode };
  try {
    return await Deno.open(path, options);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    await Deno.remove(path);
    return await Deno.open(path, options);
  }
}

async function openIfThere(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path, { write: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
