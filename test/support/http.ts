/** HTTP over a Unix socket for tests, with nothing of openexec's own client in it. */

import http from "node:http";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  // deno-lint-ignore no-explicit-any -- what a test asserts on is what an answer turned out to be
  readonly json: any;
  readonly text: string;
}

export function call(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
  headers: http.OutgoingHttpHeaders = {},
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const payload = body === undefined
    ? undefined
    : typeof body === "string"
    ? body
    : JSON.stringify(body);
  const length = payload === undefined
    ? {}
    : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) };
  const sent = http.request(
    { socketPath, method, path, headers: { ...length, ...headers } },
    (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = /json/.test(answer.headers["content-type"] ?? "");
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          text,
          json: isJson ? JSON.parse(text) : undefined,
        });
      });
    },
  );
  sent.on("error", reject);
  sent.end(payload);
  return promise;
}
