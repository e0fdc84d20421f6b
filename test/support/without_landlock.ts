/** Becomes another program for which there is no Landlock, as on an older kernel: `PATH ARGUMENT...`. */

import { filterAllThreads, setNoNewPrivs } from "../../src/os/confine.ts";
import { replaceProcess } from "../../src/os/own_process.ts";

const LOAD_NUMBER = [0x20, 0] as const;
const ALLOW = [0x06, 0x7fff_0000] as const;
const UNKNOWN_CALL = [0x06, 0x0005_0000 | 38] as const;
/** Skips one instruction unless it is landlock_create_ruleset(2). */
const IS_LANDLOCK = [0x15 | 1 << 24, 444] as const;

const [path = "", ...args] = Deno.args;
setNoNewPrivs();
filterAllThreads(new Uint32Array([LOAD_NUMBER, IS_LANDLOCK, UNKNOWN_CALL, ALLOW].flat()));
replaceProcess(path, args, Deno.env.toObject());
