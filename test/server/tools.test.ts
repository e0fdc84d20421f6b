/** The clients people have at hand. */

import { afterEach, beforeEach, expect } from "vitest";
import { testWith } from "../support/tools.ts";
import { TestServer } from "./fakes.ts";

let server: TestServer;
beforeEach(async () => {
  server = await TestServer.start({ limits: { requestBytes: 2_097_152 } });
});
afterEach(() => server.close());

async function run(command: string, args: readonly string[], input = ""): Promise<string> {
  const child = new Deno.Command(command, { args: [...args], stdin: "piped", stdout: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  return new TextDecoder().decode((await child.output()).stdout);
}

const BODY = '{"action":"echo","nonce":"n-1"}';

testWith("curl")("curl posts with its defaults, and sees status and body", async () => {
  const args = [
    "-s",
    "--unix-socket",
    server.agent,
    "-d",
    BODY,
    "-w",
    "%{http_code}",
    "http://localhost/execute",
  ];
  expect(await run("curl", args)).toMatch(/"status":"succeeded".*\n200$/s);
  expect(server.engine.executed).toHaveLength(1);
});

testWith("curl")(
  "curl gets the answer to a body that is too large, with and without Expect",
  async () => {
    for (const size of [2_100_000, 6_000_000]) {
      for (const expectation of ["Expect: 100-continue", "Expect:"]) {
        const args = [
          "-s",
          "--unix-socket",
          server.agent,
          "-H",
          expectation,
          "--data-binary",
          "@-",
        ];
        const answer = await run("curl", [...args, "http://localhost/execute"], "x".repeat(size));
        expect(JSON.parse(answer).code).toBe("request_too_large");
      }
    }
  },
);

testWith("curl")("curl sends a large body chunked", async () => {
  const large = `{"action":"echo","nonce":"n-1","payload":{"a":"${"x".repeat(1_500_000)}"}}`;
  const args = [
    "-s",
    "--unix-socket",
    server.agent,
    "-H",
    "Transfer-Encoding: chunked",
    "--data-binary",
    "@-",
  ];
  expect(JSON.parse(await run("curl", [...args, "http://localhost/execute"], large)).status).toBe(
    "succeeded",
  );
});

testWith("socat")("socat sends a request, closes its half, and gets the answer", async () => {
  const request =
    `POST /execute HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
  const answer = await run("socat", ["-t", "30", "-", `UNIX-CONNECT:${server.agent}`], request);
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*"status":"succeeded"/s);
});

testWith("socat")("socat speaks HTTP/1.0 with line feeds of its own", async () => {
  const answer = await run(
    "socat",
    ["-t", "30", "-", `UNIX-CONNECT:${server.agent},crnl`],
    "GET /ready HTTP/1.0\n\n",
  );
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\n.*\{"ready":true\}\n$/s);
});
