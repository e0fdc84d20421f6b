/** The operator's routes, on admin sockets only. A body is checked whole before anything else. */

import * as v from "valibot";
import { type JsonNode, parseIJson, toValue } from "../core/json/json.ts";
import { type Backend, type Call, malformed } from "./call.ts";
import { jsonReply, type Reply } from "./reply.ts";
import { BackupRequest, NoMembers, ResolutionRequest, Revocation } from "./schemas.ts";

export function status(_call: Call, { inspector }: Backend): Reply {
  return jsonReply(inspector.status());
}

export async function halt(call: Call, { operator }: Backend): Promise<Reply> {
  bodyOf(call, NoMembers);
  await operator.halt(call.peer);
  return jsonReply({ halted: true });
}

export async function resume(call: Call, { operator }: Backend): Promise<Reply> {
  bodyOf(call, NoMembers);
  await operator.resume(call.peer);
  return jsonReply({ halted: false });
}

export async function revoke(call: Call, { operator }: Backend): Promise<Reply> {
  const { iss, jti } = bodyOf(call, Revocation);
  await operator.revoke(iss, jti, call.peer);
  return jsonReply({ iss, jti, revoked: true });
}

export async function resolve(call: Call, { operator }: Backend): Promise<Reply> {
  return jsonReply(await operator.resolve(bodyOf(call, ResolutionRequest), call.peer));
}

export async function prune(call: Call, { operator }: Backend): Promise<Reply> {
  bodyOf(call, NoMembers);
  const { bodies, buckets, done } = await operator.prune(call.peer);
  return jsonReply({ bodies, buckets, done });
}

export async function backup(call: Call, { operator }: Backend): Promise<Reply> {
  return jsonReply(await operator.backup(bodyOf(call, BackupRequest).directory, call.peer));
}

/** Takes an empty body for `{}`. Throws a Refusal: request_malformed, payload_not_i_json. */
function bodyOf<Output>({ body }: Call, schema: v.GenericSchema<unknown, Output>): Output {
  const node = body.length === 0 ? EMPTY_OBJECT : parseIJson(body);
  // valibot takes a list for an object.
  if (node.kind !== "object") throw malformed("The body must be a JSON object.");
  const parsed = v.safeParse(schema, toValue(node));
  if (parsed.success) return parsed.output;
  const where = parsed.issues.map((issue) => v.getDotPath(issue) ?? "the body").join(", ");
  throw malformed(`The body is not as this route wants it: ${where}.`);
}

const EMPTY_OBJECT: JsonNode = { kind: "object", members: [] };
