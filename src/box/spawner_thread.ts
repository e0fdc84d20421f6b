/** The thread of a spawner (spawner.ts): restricts itself once, then starts what it is told. */

import { messageOf } from "../core/caught.ts";
import { spawnChild } from "../os/child_process.ts";
import { giveUpCapabilities, setNoNewPrivs } from "../os/confine.ts";
import { restrictThread } from "../os/landlock.ts";
import { libc } from "../os/libc.ts";
import type { FromSpawner, ToSpawner } from "./spawner.ts";

addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  const answer = obey(event.data);
  Reflect.get(globalThis, "postMessage").call(globalThis, answer);
});

function obey(message: ToSpawner): FromSpawner {
  try {
    if (message.kind === "start") return { kind: "started", child: spawnChild(message.order) };
    setNoNewPrivs(); // which Landlock asks for
    giveUpCapabilities();
    restrictThread(message.ruleset);
    return { kind: "restricted", thread: libc.gettid() };
  } catch (error) {
    return { kind: "failed", reason: messageOf(error) };
  }
}
