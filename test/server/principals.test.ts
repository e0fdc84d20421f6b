/** Admission by file mode, group and uid list, with processes of other users. */

import { Turns } from "../../src/server/admission/turns.ts";
import { afterEach, expect, test } from "vitest";
import type { Role } from "../../src/core/types.ts";
import {
  Admission,
  Seats,
  type Shared,
  TokenBuckets,
} from "../../src/server/admission/admission.ts";
import { call } from "../support/http.ts";
import { listeningSockets } from "../support/listening_sockets.ts";
import { callAs, OTHER_GID, OTHER_GROUP, OTHER_UID, testAsOthers } from "../support/other_users.ts";
import { rawExchange } from "../support/raw_http.ts";
import { startStandIn } from "../support/stand_in.ts";
import { testWith } from "../support/tools.ts";
import { until } from "../support/until.ts";
import { LIMITS, socketConfig, TestServer, type TestServerOptions } from "./fakes.ts";

let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** Others must be able to reach the folder: then it is the socket that decides. */
async function start(options: TestServerOptions): Promise<TestServer> {
  server = await TestServer.start(options);
  Deno.chmodSync(server.directory, 0o711);
  return server;
}

/** Connects as that user: yields an HTTP status, or null where connect(2) is refused. */
async function askAs(uid: number, gid: number, path: string): Promise<number | null> {
  return (await callAs([uid, gid], path, "GET", "/ready")).status;
}

testAsOthers("another uid is refused by the socket's mode", async () => {
  const { agent } = await start({});
  expect(await askAs(OTHER_UID, OTHER_UID, agent)).toBeNull();
  expect(await askAs(0, 0, agent)).toBe(200);
});

testAsOthers("another uid gets in by the socket's group, and only by that", async () => {
  const { agent } = await start({ agent: { mode: 0o660, group: OTHER_GROUP } });
  expect(await askAs(OTHER_UID, OTHER_GID, agent)).toBe(200);
  expect(await askAs(OTHER_UID, OTHER_UID, agent)).toBeNull();
});

testAsOthers(
  "another uid is refused by the socket's list, though its group would let it in",
  async () => {
    const { agent, events } = await start({
      agent: { mode: 0o660, group: OTHER_GROUP, uids: new Set([0, 1]) },
    });
    expect(await askAs(OTHER_UID, OTHER_GID, agent)).toBe(403);
    expect(await askAs(1, OTHER_GID, agent)).toBe(200);
    const seen = events.map(({ peer, code }) => [peer?.uid, peer?.gid, code]);
    expect(seen).toEqual([[OTHER_UID, OTHER_GID, "peer_denied"], [1, OTHER_GID, null]]);
  },
);

testAsOthers("the executions of one uid are none of another's business", async () => {
  const { agent } = await start({ owner: 1, agent: { mode: 0o660, group: OTHER_GROUP } });
  const answer = await call(agent, "GET", "/executions?nonce=n-1");
  expect([answer.status, answer.json.code]).toEqual([404, "execution_not_found"]);
});

test("a peer that is not on the list is told so, and its connection ends", async () => {
  const { agent, engine } = await start({ agent: { uids: new Set([(Deno.uid() ?? 0) + 1]) } });
  const answer = await call(agent, "POST", "/execute", { action: "echo", nonce: "n" });
  expect([answer.status, answer.json.code, answer.headers.connection]).toEqual([
    403,
    "peer_denied",
    "close",
  ]);
  expect(engine.contexts).toEqual([]);
});

test.each([null, new Set([0])])(
  "a peer that the kernel does not name is denied, uids being %s",
  (uids) => {
    const admission = new Admission(
      socketConfig("/run/a.sock", { uids }),
      LIMITS,
      shared(new Seats(9, 0)),
      () => undefined,
    );
    expect(admission.admit(SOME)).toMatchObject({ kind: "denied", peer: null });
  },
);

/** Any descriptor: `credentials` says who is there. */
const SOME = 0;
const credentials = () => ({ pid: 1, uid: 1, gid: 1 });

function shared(seats: Seats, requestsPerSecond = 0): Shared {
  return {
    seats,
    requests: new TokenBuckets(requestsPerSecond, () => 0),
    turns: new Turns(LIMITS),
    agents: new Map(),
  };
}

/** Admissions of one server: two for agents, one for operators, one for other operators. */
function admissions(seats: Seats, requestsPerSecond = 0) {
  const drawnOn = shared(seats, requestsPerSecond);
  const of = (name: string, role: Role, uids: ReadonlySet<number> | null = null) =>
    new Admission(socketConfig(`/run/${name}.sock`, { role, uids }), LIMITS, drawnOn, credentials);
  return {
    one: of("one", "agent"),
    other: of("other", "agent"),
    admin: of("admin", "admin"),
    closed: of("closed", "admin", new Set([2])),
  };
}

test("all connections together have so many places, and a place that is left is free again", () => {
  const { one, other } = admissions(new Seats(2, 0));
  const verdicts = [one.admit(SOME), other.admit(SOME), one.admit(SOME)];
  expect(verdicts.map(({ kind }) => kind)).toEqual(["admitted", "admitted", "crowded"]);
  verdicts[0]?.leave();
  expect([one.admit(SOME).kind, other.admit(SOME).kind]).toEqual(["admitted", "crowded"]);
});

test("some places are for admin sockets only, also after an operator was there before", () => {
  const { one, other, admin, closed } = admissions(new Seats(5, 2));
  const kind = (admission: Admission) => admission.admit(SOME).kind;
  const first = admin.admit(SOME);
  expect(first.kind).toBe("admitted");
  expect([kind(one), kind(other), kind(one), kind(other)]).toEqual([
    "admitted",
    "admitted",
    "crowded",
    "crowded",
  ]);
  expect(kind(closed)).toBe("crowded");
  expect([kind(admin), kind(admin), kind(admin)]).toEqual(["admitted", "admitted", "crowded"]);
  first.leave();
  expect([kind(one), kind(admin)]).toEqual(["crowded", "admitted"]);
});

test("who is admitted to several agent sockets asks no more often than on one; an operator asks at will", () => {
  const { one, other, admin } = admissions(new Seats(9, 0), 3);
  const asked = [one, other, one, other, one].map((admission) => admission.takeRequest(1));
  expect(asked).toEqual([true, true, true, false, false]);
  expect(other.takeRequest(2)).toBe(true);
  expect([admin, admin, admin, admin].map((admission) => admission.takeRequest(1))).not.toContain(
    false,
  );
});

testWith("prlimit")(
  "a flood of connections past the descriptor limit leaves the server able to answer",
  async () => {
    const limits = { connectionsPerUid: 10_000, headerMs: 60_000 };
    const standIn = startStandIn({
      server: { limits },
      wrapper: ["prlimit", "--nofile=1024:1024"],
    });
    try {
      await standIn.line();
      const path = `${standIn.directory}/agent.sock`;
      const flood: Deno.Conn[] = [];
      while (flood.length < 1200) {
        // A full backlog refuses for the moment.
        const connection = await Deno.connect({ transport: "unix", path }).catch(() => null);
        if (connection !== null) flood.push(connection);
      }
      // The last one is turned away: every connection that is accepted is answered.
      const answer = new Uint8Array(12);
      await flood.at(-1)?.read(answer);
      expect(new TextDecoder().decode(answer)).toBe("HTTP/1.1 429");
      // The operator still gets in.
      expect((await call(`${standIn.directory}/admin.sock`, "GET", "/ready")).status).toBe(200);
      for (const connection of flood) connection.close();
      await until(async () => {
        const { answers } = await rawExchange(path, "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n");
        return answers[0]?.status === 200;
      });
    } finally {
      await standIn.close();
    }
  },
);

testWith("prlimit")(
  "a descriptor limit that leaves no room for turning away stops the start",
  async () => {
    const standIn = startStandIn({ wrapper: ["prlimit", "--nofile=300:300"] });
    await expect(standIn.line()).rejects.toThrow();
    expect((await standIn.process.status).code).not.toBe(0);
    await standIn.close();
  },
);

test("a group that does not exist stops the start", async () => {
  await expect(TestServer.start({ agent: { group: "no-such-group-here" } })).rejects.toThrow();
});

test("the server listens on its Unix sockets and on nothing else", async () => {
  const { agent, approver, admin } = await start({});
  const { internet, unix } = listeningSockets(Deno.pid);
  expect(internet).toEqual([]);
  expect(unix.map((path) => path.replace(/~\/s$/, "")).sort())
    .toEqual([admin, agent, approver].sort());
});

test("the list of listening sockets would show a TCP socket", () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = listener.addr.port.toString(16).toUpperCase().padStart(4, "0");
  expect(listeningSockets(Deno.pid).internet).toEqual([`tcp 0100007F:${port}`]);
  listener.close();
});
