/**
 * Not an action: tries the doors of a worker without permissions, in a process that could open some of them. Run as a
 * handler at every start of the daemon; each name it returns is a hole.
 */

import { defineAction } from "openexec";
import * as v from "valibot";

export default defineAction({
  /** A file and an environment variable that exist, and that the process itself may read. */
  input: v.strictObject({ file: v.string(), variable: v.string() }),
  output: v.array(v.string()),
  async run({ file, variable }) {
    const doors: Readonly<Record<string, () => unknown>> = {
      read: () => Deno.readFileSync(file),
      write: () => Deno.openSync(file, { write: true }).close(),
      env: () => Deno.env.get(variable),
      net: () => Deno.listen({ hostname: "127.0.0.1", port: 0 }).close(),
      run: () => new Deno.Command(Deno.execPath(), { args: ["--version"] }).outputSync(),
      ffi: () => Deno.dlopen("libc.so.6", {}),
      sys: () => Deno.hostname(),
      import: () => import(`file://${file}`),
      worker: () =>
        new Worker("data:text/javascript,", {
          type: "module",
          deno: { permissions: { read: [file] } },
        }),
    };
    const opened: string[] = [];
    for (const [name, open] of Object.entries(doors)) {
      try {
        await open();
        opened.push(name);
      } catch {
        continue; // shut, as it should be
      }
    }
    return opened;
  },
});
