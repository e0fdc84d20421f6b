/** Small files whose creation and removal survive a power cut: the file is flushed, and so is the folder that names it. */

import { dirname, join } from "node:path";

const DRAFT = ".draft";

/** Whether a power cut left this name behind before its file was complete. */
export function isDraft(name: string): boolean {
  return name.endsWith(DRAFT);
}

/** Creates `path` (0600) with `bytes`, whole or not at all; replaces what was there. */
export async function createDurably(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}${DRAFT}`;
  const file = await Deno.open(draft, { write: true, create: true, truncate: true, mode: 0o600 });
  try {
    await writeAll(file, bytes);
    await file.sync();
  } finally {
    file.close();
  }
  await Deno.rename(draft, path);
  await flushFolder(dirname(path));
}

/** Overwrites `path` with zeros where it lies, then removes it; each step is on disk before the next. */
export async function destroyDurably(path: string): Promise<void> {
  const file = await openIfThere(path);
  if (file === undefined) return;
  try {
    const { size } = await file.stat();
    await writeAll(file, new Uint8Array(size));
    await file.sync();
  } finally {
    file.close();
  }
  await Deno.remove(path);
  await flushFolder(dirname(path));
}

/** A folder is flushed as a file is: then the names in it are on disk. */
export async function flushFolder(path: string): Promise<void> {
  await flushFile(path);
}

export async function flushFile(path: string): Promise<void> {
  const file = await Deno.open(path);
  try {
    await file.sync();
  } finally {
    file.close();
  }
}

/** Makes the folder (0700) where it is missing, durably in its parent. */
export async function createFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    throw error;
  }
  await flushFolder(join(path, ".."));
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
