/**
 * Lets native code run: as a program, or inside of the executor where that has foreign functions.
 */

import { defineAction } from "openexec";
import * as v from "valibot";

const ROOM_BYTES = 65_536;

export default defineAction({
  input: v.strictObject({ file: v.string(), args: v.array(v.string()) }),
  output: v.string(),
  async run({ file, args }) {
    if (!file.endsWith(".so")) {
      const { stderr, signal } = await new Deno.Command(file, { args }).output();
      return `${new TextDecoder().decode(stderr)}${signal ?? ""}`;
    }
    const { symbols } = Deno.dlopen(
      file,
      { attempts_of: { parameters: ["buffer", "usize", "buffer"], result: "void" } },
    );
    const room = new Uint8Array(ROOM_BYTES);
    symbols.attempts_of(
      room,
      BigInt(room.length),
      new TextEncoder().encode(`${args.join("\0")}\0`),
    );
    return new TextDecoder().decode(room.subarray(0, room.indexOf(0)));
  },
});
