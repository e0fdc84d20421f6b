/**
 * The files of the program folder, their archive, and the C source that holds it
 * (packaging/archive.h).
 */

import { createHash } from "node:crypto";
import { constants, zstdCompressSync } from "node:zlib";
import { CLIENT_PERMISSIONS, COMMAND_PERMISSIONS, RUNTIME_FLAGS } from "../../src/os/deno_flags.ts";

export interface ProgramFile {
  readonly bytes: Uint8Array;
  /** Programs can be executed, everything else only read. */
  readonly executable: boolean;
}

export type ProgramFiles = ReadonlyMap<string, ProgramFile>;

interface Entry {
  readonly name: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
}

function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/**
 * In the order of their names: the archive does not depend on the order in which files were found.
 */
function entries(files: ProgramFiles): Entry[] {
  return [...files]
    .map(([name, { bytes, executable }]) => ({ name, mode: executable ? 0o500 : 0o400, bytes }))
    .sort((left, right) => left.name < right.name ? -1 : 1);
}

/** One zstd frame over all contents; `level` trades build time for size. */
export function archiveOf(files: ProgramFiles, level: number): Uint8Array {
  const contents = Buffer.concat(entries(files).map(({ bytes }) => bytes));
  return zstdCompressSync(contents, {
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  });
}

/** The digest a program folder is named by. */
export function programDigest(files: ProgramFiles): string {
  const lines = entries(files).map(({ name, mode, bytes }) =>
    `${name} ${mode} ${bytes.length} ${Buffer.from(sha256(bytes)).toString("hex")}\n`
  );
  return Buffer.from(sha256(new TextEncoder().encode(lines.join("")))).toString("hex");
}

const literal = (text: string): string => JSON.stringify(text);
const byteList = (bytes: Uint8Array): string => `{${[...bytes].join(", ")}}`;
const stringList = (texts: readonly string[]): string =>
  `{${[...texts.map(literal), "NULL"].join(", ")}}`;

/** archive.c; the compiler finds `archive.zst` on its include path. */
export function archiveSource(files: ProgramFiles, archive: Uint8Array): string {
  const commands = [...COMMAND_PERMISSIONS, ["", CLIENT_PERMISSIONS] as const];
  const rows = entries(files).map(({ name, mode, bytes }) =>
    `  {${literal(name)}, 0${mode.toString(8)}, ${bytes.length}, ${byteList(sha256(bytes))}},\n`
  );
  return `#include "archive.h"
const struct file FILES[] = {
${rows.join("")}};
const size_t FILE_COUNT = sizeof FILES / sizeof *FILES;
_Static_assert(sizeof FILES / sizeof *FILES <= FILES_MAX, "raise FILES_MAX");
const char PROGRAM_DIGEST[] = ${literal(programDigest(files))};
const uint8_t ARCHIVE_DIGEST[SHA256_BYTES] = ${byteList(sha256(archive))};
const char *const RUN_ARGUMENTS[] = ${stringList(["run", ...RUNTIME_FLAGS])};
${
    commands.map(([, flags], index) =>
      `static const char *const PERMISSIONS_${index}[] = ${stringList(flags)};\n`
    ).join("")
  }\
const struct command COMMANDS[] = {
${commands.map(([name], index) => `  {${literal(name)}, PERMISSIONS_${index}},\n`).join("")}};
__asm__(".section .rodata\\n.global ARCHIVE, ARCHIVE_END\\n.balign 16\\n"
        "ARCHIVE: .incbin \\"archive.zst\\"\\nARCHIVE_END: .byte 0\\n.previous\\n");
`;
}
