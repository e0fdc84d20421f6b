import { defineAction } from "openexec";
import * as v from "valibot";

/**
 * Leaves one file for each time it was started, named by label and idempotency key; `.beside` at its end says that
 * another start of the same label was still at work. The kernel ends a lock with its process, however that ends.
 */
export default defineAction({
  input: v.object({ folder: v.string(), label: v.string(), pauseMs: v.number() }),
  output: v.object({ mark: v.string() }),
  async run({ folder, label, pauseMs }, { idempotencyKey }) {
    using lock = await Deno.open(`${folder}/locks/${label}`, { write: true, create: true });
    const alone = await lock.tryLock(true);
    const mark = `${label}.${idempotencyKey}.${crypto.randomUUID()}${alone ? "" : ".beside"}`;
    await Deno.writeTextFile(`${folder}/marks/${mark}`, "", { createNew: true });
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    return { mark };
  },
});
