import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { TrustStore } from "../../src/approval/trust.ts";
import { verifyApproval } from "../../src/approval/verify.ts";
import { base64Encode, utf8Encode } from "../../src/core/bytes.ts";
import { APPROVAL_TYPE } from "../../src/core/signed_claims.ts";
import { EXECUTE_MEMBERS } from "../../src/core/limits.ts";
import { parseRequest, readRequest } from "../../src/engine/request.ts";
import { openapiDocument } from "../../src/server/openapi.ts";
import { ROUTES } from "../../src/server/routes.ts";
import { subject } from "../support/approvals.ts";
import { call } from "../support/http.ts";
import { codeOf } from "../support/refusals.ts";
import { TestServer } from "./fakes.ts";

const document = openapiDocument("1.2.3");
const NO_APPROVERS = new TrustStore({ approvers: [], clawshield: null, tenant: null }, "e");

test("the OpenAPI document is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  expect(errors).toBeUndefined();
  expect([valid, validator.version]).toEqual([true, "3.1"]);
});

test("every reference in it leads somewhere", () => {
  const text = JSON.stringify(document);
  const schemas = JSON.parse(text).components.schemas;
  const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map((
    [, name],
  ) => name);
  expect(references.length).toBeGreaterThan(20);
  expect(references.filter((name) => schemas[name ?? ""] === undefined)).toEqual([]);
});

test("it names every route of the table, and no other", () => {
  const { paths } = JSON.parse(JSON.stringify(document));
  const named = Object.entries<Record<string, unknown>>(paths)
    .flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`)
    );
  expect(named.sort()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
  const ids = Object.values<Record<string, { operationId: string }>>(paths)
    .flatMap((operations) => Object.values(operations).map(({ operationId }) => operationId));
  expect(new Set(ids).size).toBe(ROUTES.length);
});

test("the server serves the same document, with its own version", async () => {
  const server = await TestServer.start();
  const { json } = await call(server.agent, "GET", "/openapi.json");
  expect(json).toEqual(JSON.parse(JSON.stringify(openapiDocument("9.9.9"))));
  await server.close();
});

const MAY_EXECUTE = new Ajv2020({ strict: false }).compile(
  JSON.parse(JSON.stringify(document)).paths["/execute"].post.requestBody
    .content["application/json"].schema,
);
const SIGNATURE = base64Encode(new Uint8Array(64));
const ENVELOPE = {
  payloadType: APPROVAL_TYPE,
  payload: "",
  signatures: [{ keyid: "k", sig: SIGNATURE, more: 1 }],
  more: 1,
};
const ARTIFACT = {
  approval_id: "a",
  tenant_id: "t",
  action_hash: "h",
  issued_at: "2026-01-01T00:00:00",
  expires_at: "2026-01-01T00:01:00",
  signature: SIGNATURE,
};

/** Whether the engine takes the form of a request, whatever it says of its approval. */
function isTaken(body: object): boolean {
  const code = codeOf(() => {
    const { approval } = parseRequest(
      readRequest(utf8Encode(JSON.stringify(body)), EXECUTE_MEMBERS),
      "n-1",
    );
    if (approval !== null) verifyApproval(approval, subject(), NO_APPROVERS, 0);
  });
  return code !== "request_malformed" && code !== "approval_malformed";
}

test.each<[boolean, object]>([
  [true, {}],
  [true, { payload: null, nonce: null, approval: null, approval_artifact: null }],
  [false, { payload: 1 }],
  [false, { more: 1 }],
  [false, { nonce: "" }],
  [true, { approval: ENVELOPE }],
  [false, { approval: { ...ENVELOPE, signatures: [] } }],
  [false, { approval: { ...ENVELOPE, signatures: [{ keyid: "", sig: SIGNATURE }] } }],
  [false, { approval: { ...ENVELOPE, signatures: Array(65).fill(ENVELOPE.signatures[0]) } }],
  [true, { approval_artifact: ARTIFACT }],
  [true, { approval_artifact: { ...ARTIFACT, approver: "someone" } }],
  [false, { approval_artifact: { ...ARTIFACT, issued_at: undefined } }],
  [false, { approval_artifact: { ...ARTIFACT, expires_at: undefined } }],
  [false, { approval_artifact: { ...ARTIFACT, approval_id: "" } }],
])("document and engine agree: %s for a request with %j", (expected, members) => {
  const body = { action: "echo", ...members };
  expect([MAY_EXECUTE(JSON.parse(JSON.stringify(body))), isTaken(body)]).toEqual([
    expected,
    expected,
  ]);
});

test("every route is described in docs/http-api.md", () => {
  const text = Deno.readTextFileSync(new URL("../../docs/http-api.md", import.meta.url));
  expect(
    ROUTES.filter(({ method, path }) => !text.includes(`\`${method} ${path}`)).map(({ path }) =>
      path
    ),
  )
    .toEqual([]);
});
