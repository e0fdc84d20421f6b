import { expect, test } from "vitest";
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
      await answersOn(`${standIn.directory}/admin.sock`);
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
    await answersOn(`${standIn.directory}/admin.sock`);
    standIn.process.kill("SIGTERM");
    standIn.process.kill("SIGTERM");
    const ended = running.then(({ closed }) => closed);
    // The two signals may be delivered as one; then this is the second.
    const again = setInterval(() => standIn.process.kill("SIGTERM"), 200);
    expect(await standIn.line()).toMatchObject({ end: "stopped" });
    clearInterval(again);
    expect(await ended).toBe(true);
  } finally {
    await standIn.close();
  }
});

test("SIGHUP reloads and drops nothing", async () => {
  const standIn = startStandIn({ server: { runMs: 500 } });
  try {
    await standIn.line();
    const running = rawExchange(`${standIn.directory}/agent.sock`, POST, { answers: 1 });
    await answersOn(`${standIn.directory}/admin.sock`);
    standIn.process.kill("SIGHUP");
    expect((await running).answers.map(({ status }) => status)).toEqual([200]);
    standIn.process.kill("SIGTERM");
    expect(await standIn.line()).toEqual({ end: "drained", reloads: 1, executed: 1 });
  } finally {
    await standIn.close();
  }
});

/** A round trip on another socket: what was sent before has been read by then. */
async function answersOn(path: string): Promise<void> {
  await rawExchange(path, "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n");
}
