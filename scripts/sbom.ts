/**
 * `npm run sbom`: writes dist/sbom.json, the packages openexec runs on, as CycloneDX 1.5, from the
 * lockfile alone.
 *
 * npm puts the time, a random serial number and the folder's name into it. They are replaced, so
 * that the same lockfile gives the same bytes: the serial number is taken from the contents, the
 * time is left out.
 */

import { createHash } from "node:crypto";
import { join } from "node:path";
import * as v from "valibot";
import metadata from "../package.json" with { type: "json" };
import { program } from "../src/os/program.ts";

/** What is touched, and everything else as it came. */
const BOM = v.looseObject({
  serialNumber: v.string(),
  metadata: v.looseObject({
    timestamp: v.string(),
    component: v.looseObject({ name: v.string() }),
  }),
});

async function npmSbom(root: string): Promise<v.InferOutput<typeof BOM>> {
  const { code, stdout } = await new Deno.Command("npm", {
    args: ["sbom", "--sbom-format=cyclonedx", "--package-lock-only", "--omit=dev"],
    cwd: root,
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`npm sbom: exit code ${code}`);
  return v.parse(BOM, JSON.parse(new TextDecoder().decode(stdout)));
}

function reproducible(bom: v.InferOutput<typeof BOM>): object {
  const { serialNumber: _, metadata: { timestamp: __, ...about }, ...rest } = bom;
  const contents = {
    ...rest,
    metadata: { ...about, component: { ...about.component, name: metadata.name } },
  };
  return { ...contents, serialNumber: `urn:uuid:${uuidOf(JSON.stringify(contents))}` };
}

/** A UUID of version 8 (RFC 9562, section 5.8) from a SHA-256. */
function uuidOf(text: string): string {
  const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

const bom = reproducible(await npmSbom(program.root));
await Deno.mkdir(join(program.root, "dist"), { recursive: true });
await Deno.writeTextFile(join(program.root, "dist/sbom.json"), `${JSON.stringify(bom, null, 2)}\n`);
