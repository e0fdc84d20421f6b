import { defineAction, PublicError } from "openexec";
import * as v from "valibot";

export default defineAction({
  input: v.object({ n: v.number() }),
  output: v.object({ twice: v.number() }),
  run({ n }, { log }) {
    log("doubling");
    if (n < 0) throw new Error("nothing negative");
    if (n > 1000) throw new PublicError("too large\u202e");
    return { twice: 2 * n };
  },
});
