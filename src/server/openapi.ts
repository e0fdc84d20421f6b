/** The OpenAPI 3.1 document, made from the route table and the schemas that the routes name. */

import { toJsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import type { JsonObject } from "../core/types.ts";
import { Proposal } from "./proposal_schemas.ts";
import { type Route, ROUTES } from "./routes.ts";
import { Execution, Problem } from "./schemas.ts";

const DEFINITIONS = { Execution, Problem, Proposal };
const CONVERSION = {
  target: "draft-2020-12",
  typeMode: "input",
  overrideRef: ({ referenceId }: { referenceId: string }) => `#/components/schemas/${referenceId}`,
} as const;
const PROBLEM = { $ref: "#/components/schemas/Problem" };

export function openapiDocument(version: string): JsonObject {
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const route of ROUTES) {
    const operations = paths[route.path] ??= {};
    operations[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "openexec",
      version,
      description: "Served over Unix sockets only. " +
        "Everything but a 200 or 202 is problem+json with a code of docs/errors.md.",
    },
    servers: [{
      url: "http://localhost",
      description: "The Host field is not looked at: the socket decides.",
    }],
    paths,
    components: { schemas: asJson(toJsonSchemaDefs(DEFINITIONS, CONVERSION)) },
  };
}

function operationOf({ method, path, roles, summary, query, body, answer }: Route): JsonObject {
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => parameter(name, "path")),
    ...query.map((name) => parameter(name, "query")),
    ...HEADERS.filter(({ of }) => of.includes(`${method} ${path}`)).map(({ header }) => header),
  ];
  return {
    summary,
    operationId: `${method.toLowerCase()}${
      path.replaceAll(/[^a-z_]+(\w?)/g, (_, letter) => letter.toUpperCase())
    }`,
    tags: roles.slice(0, 1),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === null
      ? {}
      : { requestBody: { required: !path.startsWith("/admin/"), ...json(body) } }),
    responses: {
      "200": { description: "Done.", ...(answer === null ? TEXT : json(answer)) },
      ...(mayGoOn(path)
        ? { "202": { description: "It may still change.", ...json(Proposal) } }
        : {}),
      ...(isMonitored(path) && answer !== null
        ? { "503": { description: "The same, while no work can be done.", ...json(answer) } }
        : {}),
      default: {
        description: "Refused, or failed.",
        content: { "application/problem+json": { schema: PROBLEM } },
      },
    },
  };
}

/** A proposal is answered with 202 until it is over. */
function mayGoOn(path: string): boolean {
  return path.startsWith("/proposals/") || path === "/proposals";
}

/** Monitors get the body with a 503 as well. */
function isMonitored(path: string): boolean {
  return path === "/health" || path === "/ready";
}

function parameter(name: string, place: "path" | "query"): JsonObject {
  return { name, in: place, required: place === "path", schema: { type: "string" } };
}

/** Which routes take which header fields. */
const HEADERS: readonly { readonly header: JsonObject; readonly of: readonly string[] }[] = [
  {
    header: header(
      "Idempotency-Key",
      'Stands for `nonce`: one quoted string, such as "n-1" (RFC 8941).',
    ),
    of: ["POST /execute", "POST /proposals"],
  },
  {
    header: header("Prefer", "wait=N: up to N seconds for its end (RFC 7240), at most 300."),
    of: ["POST /execute"],
  },
  {
    header: header("Prefer", "wait=N: up to N seconds for its end (RFC 7240), at most 600."),
    of: ["POST /proposals", "GET /proposals/{id}", "POST /proposals/{id}/approvals"],
  },
  {
    header: header("traceparent", "W3C Trace Context, handed to the handler."),
    of: ["POST /execute", "POST /proposals"],
  },
  {
    header: header("Last-Event-ID", "The last event that the reader saw."),
    of: ["GET /events"],
  },
];

function header(name: string, description: string): JsonObject {
  return { name, in: "header", description, schema: { type: "string" } };
}

const TEXT: JsonObject = { content: { "text/plain": { schema: { type: "string" } } } };

function json(schema: GenericSchema): JsonObject {
  const converted = toJsonSchema(schema, { ...CONVERSION, definitions: DEFINITIONS });
  const { $schema: _dialect, $defs: _components, ...rest } = converted;
  return { content: { "application/json": { schema: asJson(rest) } } };
}

/** The library's type names keywords; a JSON Schema is a JSON object (2020-12, section 4.3). */
function asJson(schema: object): JsonObject {
  const json: JsonObject = JSON.parse(JSON.stringify(schema));
  return json;
}
