import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { openapiDocument } from "../../src/server/openapi.ts";
import { ROUTES } from "../../src/server/routes.ts";
import { call } from "../support/http.ts";
import { TestServer } from "./fakes.ts";

const document = openapiDocument("1.2.3");

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

test("every route is described in docs/http-api.md", () => {
  const text = Deno.readTextFileSync(new URL("../../docs/http-api.md", import.meta.url));
  expect(
    ROUTES.filter(({ method, path }) => !text.includes(`\`${method} ${path}`)).map(({ path }) =>
      path
    ),
  )
    .toEqual([]);
});
