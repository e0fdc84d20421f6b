import { expect, test } from "vitest";
import { Signals, type SignalsOptions } from "../../src/daemon/signals.ts";
import { endAtOnce } from "../support/signals.ts";
import { rawExchange } from "../support/raw_http.ts";
import { startStandIn } from "../support/stand_in.ts";

const BODY = '{"action":"echo","nonce":"n-1"}';
const POST = `POST /execute HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s lets what runs end, and takes the sockets away",
  async (signal) => {
    const standIn = startStandIn({ server: { runMs: 1000 } });
    try {
      await standIn.line();
      const running = rawExchange(`${standIn.directory}/agent.sock`, POST, { answers: Infinity });
      expect(await standIn.line()).toEqual({ running: 1 });
      standIn.process.kill(signal);
      expect((await running).answers.map(({ status }) => status)).toEqual([200]);
      expect(await standIn.line()).toEqual({ end: "drained", reloads: 0, executed: 1 });
      expect((await standIn.process.status).code).toBe(0);
      const left = [...Deno.readDirSync(standIn.directory)].filter(({ name }) =>
        name.includes("sock")
      );
      expect(left).toEqual([]);
    } finally {
      await standIn.close();
    }
  },
);

test("a second SIGTERM ends it at once", async () => {
  const standIn = startStandIn({ server: { runMs: 60_000, limits: { drainMs: 60_000 } } });
  try {
    await standIn.line();
    const running = rawExchange(`${standIn.directory}/agent.sock`, POST, { answers: Infinity });
    expect(await standIn.line()).toEqual({ running: 1 });
    await endAtOnce(standIn.process);
    expect(await standIn.line()).toMatchObject({ end: "stopped" });
    expect((await running).closed).toBe(true);
  } finally {
    await standIn.close();
  }
});

test("SIGHUP reloads and drops nothing", async () => {
  const standIn = startStandIn({ server: { runMs: 500 } });
  try {
    await standIn.line();
    const running = rawExchange(`${standIn.directory}/agent.sock`, POST, { answers: 1 });
    expect(await standIn.line()).toEqual({ running: 1 });
    standIn.process.kill("SIGHUP");
    expect((await running).answers.map(({ status }) => status)).toEqual([200]);
    standIn.process.kill("SIGTERM");
    expect(await standIn.line()).toEqual({ end: "drained", reloads: 1, executed: 1 });
  } finally {
    await standIn.close();
  }
});

/** Signals to this process, each of which is awaited. */
async function signalled(
  options: Omit<SignalsOptions, "endAtOnce">,
  steps: (send: (signal: Deno.Signal) => Promise<void>, told: string[]) => Promise<void>,
): Promise<string[]> {
  const told: string[] = [];
  const signals = new Signals({ ...options, endAtOnce: () => told.push("end at once") });
  try {
    void signals.stop.then(() => told.push("stop"));
    signals.serveReloads(() => Promise.resolve(void told.push("reload")));
    await steps(async (signal) => {
      const arrived = Promise.withResolvers<void>();
      Deno.addSignalListener(signal, arrived.resolve);
      Deno.kill(Deno.pid, signal);
      await arrived.promise;
      Deno.removeSignalListener(signal, arrived.resolve);
      await Promise.resolve();
    }, told);
    return told;
  } finally {
    signals.close();
  }
}

test.each(["SIGINT", "SIGTERM"] as const)("two %s within 200 ms are one", async (signal) => {
  let nowMs = 1000;
  const told = await signalled({ nowMs: () => nowMs }, async (send, soFar) => {
    await send(signal);
    nowMs += 199;
    await send(signal);
    expect(soFar).toEqual(["stop"]);
    nowMs += 1;
    await send(signal);
  });
  expect(told).toEqual(["stop", "end at once"]);
});

test("SIGHUP reloads, unless the terminal is gone: then it stops, and only once", async () => {
  let nowMs = 1000;
  let isLost = false;
  const told = await signalled(
    { nowMs: () => nowMs, isTerminalLost: () => isLost },
    async (send) => {
      await send("SIGHUP");
      isLost = true;
      await send("SIGHUP");
      nowMs += 1000;
      await send("SIGHUP");
    },
  );
  expect(told).toEqual(["reload", "stop"]);
});
