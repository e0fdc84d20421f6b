/** A daemon on a terminal, started as README says: `npm start`. */

import { expect } from "vitest";
import { homeAt } from "../support/runtime_cache.ts";
import { Pane } from "../support/tmux.ts";
import { testWith } from "../support/tools.ts";
import { until } from "../support/until.ts";
import { Held } from "./held.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Serves the state of `held`, whose own daemon ends first, on a terminal. */
async function onTerminal(held: Held, command: string): Promise<Pane> {
  await held.daemon.stop();
  const { directory } = held.daemon;
  const pane = Pane.open(command, {
    columns: 120,
    cwd: ROOT,
    env: { ...homeAt(directory), OPENEXEC_CONFIG: `${directory}/openexec.toml`, NO_COLOR: "1" },
  });
  await until(async () => (await held.get("/ready").catch(() => null))?.status === 200);
  return pane;
}

/** Resolves once it answers that it drains. */
async function draining(held: Held): Promise<void> {
  await until(async () => (await held.get("/ready").catch(() => null))?.status === 503);
}

/** Resolves once nobody listens any more. */
async function ended(held: Held): Promise<void> {
  await until(() => held.get("/ready").then(() => false, () => true));
}

const reloads = (text: string) => text.split("trust store reloaded").length - 1;

testWith("tmux", "npm")("one Ctrl-C under npm start lets what runs end", async () => {
  await using held = await Held.start();
  const pane = await onTerminal(held, "npm start");
  try {
    const answer = held.send(held.approve("once", "a", "hold"));
    await held.started("a");
    pane.press("C-c");
    await Promise.race([draining(held), answer]);
    held.letGo("a");
    expect(await answer).toMatchObject({ status: 200, json: { status: "succeeded" } });
    await ended(held);
  } finally {
    pane.close();
  }
});

testWith("tmux", "npm")("a terminal that is closed lets what runs end", async () => {
  await using held = await Held.start();
  const pane = await onTerminal(held, "npm start");
  const answer = held.send(held.approve("once", "a", "hold"));
  await held.started("a");
  pane.close();
  await Promise.race([draining(held), answer]);
  held.letGo("a");
  expect(await answer).toMatchObject({ status: 200, json: { status: "succeeded" } });
  await ended(held);
});

testWith("tmux")("kill -HUP reloads on a terminal", async () => {
  await using held = await Held.start();
  const pane = await onTerminal(held, 'echo "pid $$"; exec bin/openexec serve');
  try {
    const pid = Number(/^pid (\d+)$/m.exec(pane.history())?.[1]);
    Deno.kill(pid, "SIGHUP");
    await pane.shows("trust store reloaded");
    expect((await held.get("/ready")).status).toBe(200);
    pane.press("C-c");
    await pane.shows("[ended 0]");
  } finally {
    pane.close();
  }
});

testWith("tmux", "nohup")("under nohup it outlives its terminal", async () => {
  await using held = await Held.start();
  const log = `${held.marks}/log`;
  const pane = await onTerminal(held, `echo "pid $$"; exec nohup bin/openexec serve > ${log} 2>&1`);
  const pid = Number(/^pid (\d+)$/m.exec(pane.history())?.[1]);
  try {
    // It answers a little before it takes signals.
    await until(() => /^ready$/m.test(Deno.readTextFileSync(log)));
    pane.close();
    // The signal was taken for a reload. It comes twice: the shell that ends sends another.
    await until(() => reloads(Deno.readTextFileSync(log)) > 0);
    expect((await held.get("/ready")).status).toBe(200);
  } finally {
    Deno.kill(pid, "SIGKILL");
    await ended(held);
  }
});
