import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { ERROR_CODES } from "../../src/core/errors.ts";
import { parseDocument } from "../../src/config/toml.ts";
import { configReference, configSchema } from "../../scripts/config_reference.ts";
import { errorReference } from "../../scripts/error_reference.ts";
import { drifted } from "../../scripts/generate_docs.ts";
import { MISSHAPEN } from "./bad_files.ts";
import { load } from "./loading.ts";

const EXAMPLE = Deno.readTextFileSync(new URL("../../examples/openexec.toml", import.meta.url));
const SCHEMA: unknown = JSON.parse(JSON.stringify(configSchema()));

test("the generated documents are those of the sources; `npm run docs` writes them anew", () => {
  expect(drifted()).toEqual([]);
});

test("the example loads as it stands, with nothing to warn of", () => {
  const { config, warnings } = load(EXAMPLE);
  expect(warnings).toEqual([]);
  expect(config).toMatchObject({
    mode: "enforced",
    executorId: "openexec:host-1",
    tenant: "tenant-001",
  });
  expect(config.approvers[0]?.keys[0]?.publicKey).toHaveLength(32);
  expect(config.actions.get("charge_card")).toMatchObject({
    module: { file: "/etc/openexec/actions/charge_card.ts" },
    allow: { net: ["api.example.com:443"] },
    onInterrupt: "rerun",
    retention: { resultMs: 30 * 86_400_000 },
  });
});

/** The dotted names of all keys, with NAME for those an operator chooses. */
function keysOf(schema: unknown, path = ""): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const inner = (member: string): unknown => Reflect.get(schema, member);
  const properties = inner("properties");
  const named = typeof properties === "object" && properties !== null
    ? Object.entries(properties)
    : [];
  return [
    ...named.flatMap(([name, value]) => [`${path}${name}`, ...keysOf(value, `${path}${name}.`)]),
    ...keysOf(inner("items"), path),
    ...keysOf(inner("additionalProperties"), `${path}NAME.`),
  ];
}

test("the example uses every key there is", () => {
  const used = new Set<string>();
  const collect = (value: unknown, path: string): void => {
    if (Array.isArray(value)) value.forEach((item) => collect(item, path));
    else if (typeof value === "object" && value !== null && !(value instanceof Date)) {
      for (const [name, member] of Object.entries(value)) {
        const key = path === "actions." ? "actions.NAME" : `${path}${name}`;
        used.add(key);
        collect(member, `${key}.`);
      }
    }
  };
  collect(parseDocument("f", EXAMPLE).value, "");
  const keys = keysOf(SCHEMA);
  expect(keys.length).toBeGreaterThan(60);
  expect(keys.filter((key) => !used.has(key))).toEqual([]);
});

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

const validate = validatorOf(SCHEMA);

function validatorOf(schema: unknown): (value: unknown) => boolean {
  if (!isObject(schema)) throw new Error("the schema is no object");
  const formats = { "date-time": (text: string) => !Number.isNaN(Date.parse(text)) };
  return new Ajv({ strict: false, formats }).compile(schema);
}

/** Holds a file against the JSON Schema, as an editor would: dates are texts there. */
function isAdmitted(text: string): boolean {
  return validate(JSON.parse(JSON.stringify(parseDocument("f", text).value)));
}

test("the JSON Schema admits the example", () => {
  expect(isAdmitted(EXAMPLE)).toBe(true);
});

/** JSON Schema has no word for a wrong value of the right shape. */
const BEYOND_SHAPE =
  /"25d"|ssh = "ssh-ed25519 AAAAG|passkey = "AAAA"|"1500ms"|"500ms"|ed25519:|ssh-rsa|PEM|u0000|"0s"|memory = 1024|request_bytes = 0/;

test("the JSON Schema refuses every bad file whose shape is wrong", () => {
  const files = MISSHAPEN.filter(({ key, text }) =>
    key !== "" && !/__proto__|constructor|toString/.test(key) && !BEYOND_SHAPE.test(text)
  );
  expect(files.length).toBeGreaterThan(70);
  expect(files.filter(({ text }) => isAdmitted(text)).map(({ text }) => text)).toEqual([]);
});

test("the reference has a row for every key", () => {
  const reference = configReference();
  const leaves = keysOf(SCHEMA).map((key) => key.split(".").at(-1) ?? "").filter((key) =>
    key !== "NAME"
  );
  for (const key of new Set(leaves)) {
    expect(reference).toMatch(new RegExp(`(\`${key}\`|${key}\\]|${key}\\.NAME)`));
  }
});

test("the reference of errors has a row for every code, in order", () => {
  const rows = errorReference().split("\n").flatMap((line) =>
    /^\| \d+ \| `(\w+)`/.exec(line)?.[1] ?? []
  );
  expect(rows).toEqual(ERROR_CODES);
});
