/** Asks of processes and paths as long as no descriptor is left, and prints what it is told. */

import { openPath } from "../../src/os/landlock.ts";
import { hasAccessList } from "../../src/os/files.ts";
import { isGroupAlive, RLIMIT_NOFILE, setLimit, startTimeOf } from "../../src/os/process.ts";

const told = (ask: () => unknown): string => {
  try {
    return String(ask());
  } catch (error) {
    return error instanceof Error ? error.name : "";
  }
};

const questions = {
  started: () => startTimeOf(Deno.pid),
  group: () => isGroupAlive(Deno.pid),
  path: () => openPath("/etc"),
  list: () => hasAccessList("/etc"),
};

for (const ask of Object.values(questions)) told(ask); // looks up what it calls
setLimit(Deno.pid, RLIMIT_NOFILE, 3);
const answers = Object.entries(questions).map(([name, ask]) => [name, told(ask)]);
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(Object.fromEntries(answers))));
