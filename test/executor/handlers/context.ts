/** Says what it was told of its execution, and does as it is asked. */

import { defineAction } from "openexec";
import * as v from "valibot";

export default defineAction({
  input: v.strictObject({
    do: v.picklist(["tell", "wait", "abort", "log", "flood"]),
    lines: v.optional(v.array(v.string()), []),
  }),
  output: v.unknown(),
  async run({ do: what, lines }, { signal, log, ...context }) {
    if (what === "tell") return context;
    if (what === "wait") {
      log(`waiting ${Deno.pid}`);
      await new Promise(() => {});
    }
    if (what === "log") {
      log("with fields", { a: 1 });
      for (const line of lines) log(line);
    }
    if (what === "flood") { for (let i = 0; i < 100_000; i++) log(`${i} ${"x".repeat(100_000)}`); }
    if (what === "abort") {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return String(signal.reason);
    }
    return null;
  },
});
