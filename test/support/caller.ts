/**
 * A process of its own that fires every request of its standard input (a JSON array) at once and
 * prints the answers.
 */

import { call } from "./http.ts";

const [socket = ""] = Deno.args;
const requests: unknown[] = JSON.parse(await new Response(Deno.stdin.readable).text());
const answers = await Promise.all(requests.map(async (request) => {
  const { status, json } = await call(socket, "POST", "/execute", request);
  return {
    status,
    code: json.code ?? null,
    replayed: json.replayed ?? null,
    id: json.id ?? json.execution?.id ?? null,
  };
}));
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(answers)));
