import { defineAction } from "openexec";
import * as v from "valibot";

/** Leaves one file for each start, then ends, goes on until it is let go, or spins for ever. */
export default defineAction({
  input: v.object({
    folder: v.string(),
    label: v.string(),
    how: v.picklist(["end", "hold", "spin"]),
  }),
  output: v.object({ label: v.string() }),
  async run({ folder, label, how }, { idempotencyKey }) {
    const mark = `${folder}/${label}.${idempotencyKey}.${crypto.randomUUID()}`;
    await Deno.writeTextFile(mark, "", { createNew: true });
    while (how === "spin") continue;
    while (how === "hold" && !await isThere(`${folder}/${label}.go`)) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return { label };
  },
});

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
