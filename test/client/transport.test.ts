/** The SDK's side of a connection, against servers that answer as no daemon does. */

import { createServer } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConnectionFailed, type Transport } from "../../src/client/message.ts";
import { unixTransport } from "../../src/client/transport.ts";

const BYTES_MAX = 300_000;
const CHUNKS = 200_000;

let folder: string;
let socketPath: string;
let transport: Transport;
beforeEach(() => {
  folder = Deno.makeTempDirSync({ prefix: "openexec-transport-" });
  socketPath = `${folder}/agent.sock`;
  transport = unixTransport(socketPath, BYTES_MAX);
});
afterEach(() => {
  transport.close();
  Deno.removeSync(folder, { recursive: true });
});

const ask = () => transport.send({ method: "GET", path: "/", headers: {} }, null, undefined);

/** Gets the answer of a server that sends these chunks. */
async function answered(chunks: readonly string[], headers: Record<string, string> = {}) {
  const server = createServer((_, response) => {
    response.writeHead(200, headers);
    response.flushHeaders();
    response.socket?.write(chunks.join(""));
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  try {
    return await ask();
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test("an answer of 200,000 chunks of one byte is read as any other", async () => {
  const chunks = Array.from({ length: CHUNKS }, (_, index) => `1\r\n${index % 10}\r\n`);
  const answer = await answered([...chunks, "0\r\n\r\n"]);
  expect(answer.status).toBe(200);
  expect(new TextDecoder().decode(answer.body)).toBe("0123456789".repeat(CHUNKS / 10));
});

test.each([
  ["announced", { "content-length": String(BYTES_MAX + 1) }, ["x".repeat(BYTES_MAX + 1)]],
  ["not announced", {}, [
    ...Array<string>(31).fill(`2710\r\n${"x".repeat(10_000)}\r\n`),
    "0\r\n\r\n",
  ]],
])("an answer that is larger than answerBytesMax, %s, is none", async (_, headers, chunks) => {
  const error = await answered(chunks, headers).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ConnectionFailed);
  expect(error).toMatchObject({
    sent: true,
    cause: { message: "the answer is larger than answerBytesMax" },
  });
});
