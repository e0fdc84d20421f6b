/** A schema that does more than check: it does what the payload says, wherever it decides. */

import { defineAction } from "openexec";
import * as v from "valibot";

type Payload = v.InferOutput<typeof payload>;

const payload = v.strictObject({
  do: v.string(),
  file: v.optional(v.string(), ""),
  port: v.optional(v.number(), 0),
});

const DEEDS: Readonly<Record<string, (payload: Payload) => unknown>> = {
  nothing: () => {},
  write: ({ file }) => Deno.writeTextFileSync(file, "written by a check"),
  read: ({ file }) => Deno.readTextFileSync(file),
  connect: ({ port }) => connecting = connect(port),
  throw: () => {
    throw new Error("as it does");
  },
  exit: () => Deno.exit(0),
  loop: () => {
    for (;;);
  },
  take: () => new Uint8Array(512 * 1024 * 1024),
};

let connecting = Promise.resolve();
const done: string[] = [];

async function connect(port: number): Promise<void> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    done.push("connect");
  } catch {
    // the run is told by what is missing
  }
}

export default defineAction({
  input: v.lazy((input) => {
    const asked = v.safeParse(payload, input);
    if (!asked.success) return payload; // the schema is read, and nothing is decided
    try {
      DEEDS[asked.output.do]?.(asked.output);
      if (asked.output.do !== "connect") done.push(asked.output.do);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
    }
    return payload;
  }),
  /** What the schema was able to do. */
  output: v.array(v.string()),
  async run() {
    await connecting;
    return done;
  },
});
