/** Names a part of the runtime, and what is none. */

import { defineAction } from "openexec";
import * as v from "valibot";

export default defineAction({
  input: v.strictObject({}),
  output: v.array(v.string()),
  async run() {
    await new Promise((resolve) => setTimeout(resolve, 0));
    const names: string[] = ["node:fs", "node:nothing"];
    return names;
  },
});
