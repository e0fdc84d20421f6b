import { expect, test } from "vitest";
import { base64Decode } from "../../src/core/bytes.ts";
import { KEYS, load, problemsOf } from "./loading.ts";

const PEM =
  "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAgJ2MrwktLIlDTP0X1dFFk9z2lll0uc+h8CMdxLhNynI=\n" +
  "-----END PUBLIC KEY-----";
const PEM_KEY = base64Decode("gJ2MrwktLIlDTP0X1dFFk9z2lll0uc+h8CMdxLhNynI=");
const SECTION = `[clawshield]\npublic_key = "${KEYS[0]}"\ntenant = "t"`;
const CLAWSHIELD = { CLAWSHIELD_PUBLIC_KEY: PEM, CLAWSHIELD_TENANT_ID: "t" };

type Variables = Readonly<Record<string, string>>;
interface Case {
  readonly file: string | null;
  readonly environment: Variables;
  readonly mode?: "enforced" | "demo";
}

const ALLOWED:
  readonly (Case & { readonly becomes: readonly [mode: string, tenant: string | null] })[] = [
    { file: null, environment: {}, becomes: ["enforced", null] },
    { file: null, environment: { OPENEXEC_MODE: "demo" }, becomes: ["demo", null] },
    { file: null, environment: { OPENEXEC_MODE: "enforced" }, becomes: ["enforced", null] },
    { file: null, environment: { OPENEXEC_MODE: "" }, becomes: ["enforced", null] },
    {
      file: null,
      environment: { OPENEXEC_MODE: "clawshield", ...CLAWSHIELD },
      becomes: ["enforced", "t"],
    },
    { file: null, environment: CLAWSHIELD, becomes: ["enforced", "t"] },
    { file: null, environment: { OPENEXEC_MODE: "demo", ...CLAWSHIELD }, becomes: ["demo", null] },
    {
      file: null,
      environment: { OPENEXEC_MODE: "demo", CLAWSHIELD_TENANT_ID: "t" },
      becomes: ["demo", null],
    },
    { file: "", environment: { OPENEXEC_MODE: "enforced" }, becomes: ["enforced", null] },
    { file: 'mode = "demo"', environment: { OPENEXEC_MODE: "demo" }, becomes: ["demo", null] },
    { file: "[clawshield]", environment: CLAWSHIELD, becomes: ["enforced", "t"] },
    { file: 'mode = "demo"', environment: CLAWSHIELD, becomes: ["demo", null] },
    { file: SECTION, environment: {}, becomes: ["enforced", "t"] },
    { file: SECTION, environment: { OPENEXEC_MODE: "clawshield" }, becomes: ["enforced", "t"] },
    {
      file: SECTION,
      environment: { CLAWSHIELD_PUBLIC_KEY: KEYS[0], CLAWSHIELD_TENANT_ID: "t" },
      becomes: ["enforced", "t"],
    },
    {
      file: '[clawshield]\ntenant = "t"',
      environment: { CLAWSHIELD_PUBLIC_KEY: PEM },
      becomes: ["enforced", "t"],
    },
    {
      file: `[clawshield]\npublic_key = "${KEYS[0]}"`,
      environment: { CLAWSHIELD_TENANT_ID: "u" },
      becomes: ["enforced", "u"],
    },
    { file: SECTION, environment: {}, mode: "demo", becomes: ["demo", null] },
    {
      file: 'mode = "enforced"',
      environment: { OPENEXEC_MODE: "demo" },
      mode: "demo",
      becomes: ["demo", null],
    },
  ];

test.each(ALLOWED)("file $file with $environment and --mode $mode becomes $becomes", (row) => {
  const { file, environment, mode, becomes } = row;
  const { config } = load(file, {
    environment,
    ...(mode === undefined ? {} : { overrides: { mode } }),
  });
  expect([config.mode, config.clawshield?.tenant ?? null]).toEqual(becomes);
});

const REFUSED: readonly (Case & { readonly sources: readonly string[] })[] = [
  { file: "", environment: { OPENEXEC_MODE: "demo" }, sources: ["OPENEXEC_MODE"] },
  { file: 'mode = "enforced"', environment: { OPENEXEC_MODE: "demo" }, sources: ["OPENEXEC_MODE"] },
  { file: 'mode = "demo"', environment: { OPENEXEC_MODE: "enforced" }, sources: ["OPENEXEC_MODE"] },
  {
    file: 'mode = "demo"',
    environment: { OPENEXEC_MODE: "clawshield", ...CLAWSHIELD },
    sources: ["OPENEXEC_MODE"],
  },
  {
    file: null,
    environment: { OPENEXEC_MODE: "demo" },
    mode: "enforced",
    sources: ["OPENEXEC_MODE"],
  },
  { file: null, environment: { OPENEXEC_MODE: "DEMO" }, sources: ["OPENEXEC_MODE"] },
  { file: "", environment: CLAWSHIELD, sources: ["CLAWSHIELD_PUBLIC_KEY"] },
  { file: "", environment: { CLAWSHIELD_TENANT_ID: "t" }, sources: ["CLAWSHIELD_TENANT_ID"] },
  { file: "", environment: { OPENEXEC_MODE: "clawshield" }, sources: ["OPENEXEC_MODE"] },
  {
    file: null,
    environment: { OPENEXEC_MODE: "clawshield" },
    sources: ["CLAWSHIELD_PUBLIC_KEY", "CLAWSHIELD_TENANT_ID"],
  },
  {
    file: null,
    environment: { OPENEXEC_MODE: "clawshield", CLAWSHIELD_TENANT_ID: "t" },
    sources: ["CLAWSHIELD_PUBLIC_KEY"],
  },
  { file: null, environment: { CLAWSHIELD_TENANT_ID: "t" }, sources: ["CLAWSHIELD_PUBLIC_KEY"] },
  { file: null, environment: { CLAWSHIELD_PUBLIC_KEY: PEM }, sources: ["CLAWSHIELD_TENANT_ID"] },
  {
    file: null,
    environment: { ...CLAWSHIELD, CLAWSHIELD_PUBLIC_KEY: "key" },
    sources: ["CLAWSHIELD_PUBLIC_KEY"],
  },
  {
    file: null,
    environment: { ...CLAWSHIELD, CLAWSHIELD_TENANT_ID: "t t" },
    sources: ["CLAWSHIELD_TENANT_ID"],
  },
  {
    file: SECTION,
    environment: { CLAWSHIELD_PUBLIC_KEY: PEM },
    sources: ["CLAWSHIELD_PUBLIC_KEY"],
  },
  { file: SECTION, environment: { CLAWSHIELD_TENANT_ID: "u" }, sources: ["CLAWSHIELD_TENANT_ID"] },
  {
    file: null,
    environment: { OPENEXEC_ALLOWED_ACTIONS: "echo,a b" },
    sources: ["OPENEXEC_ALLOWED_ACTIONS"],
  },
];

test.each(REFUSED)(
  "file $file with $environment and --mode $mode is refused for $sources",
  (row) => {
    const { file, environment, mode, sources } = row;
    const problems = problemsOf(file, {
      environment,
      ...(mode === undefined ? {} : { overrides: { mode } }),
    });
    expect(problems.map(({ source }) => source)).toEqual(sources);
  },
);

test("the tenant of the environment has to equal the top-level one", () => {
  const problems = problemsOf('tenant = "x"\n[clawshield]', { environment: CLAWSHIELD });
  expect(problems.map(({ key }) => key)).toEqual(["clawshield.tenant"]);
});

test("a key whose line breaks were written as \\n is the same key", () => {
  const escaped = { ...CLAWSHIELD, CLAWSHIELD_PUBLIC_KEY: PEM.replaceAll("\n", "\\n") };
  expect(load(null, { environment: escaped }).config.clawshield?.publicKey).toEqual(PEM_KEY);
});

test("what the environment leaves open of [clawshield] has the file's defaults", () => {
  expect(load(null, { environment: CLAWSHIELD }).config.clawshield).toEqual({
    publicKey: PEM_KEY,
    tenant: "t",
    actions: new Set(["*"]),
    maxTtlSeconds: 900,
  });
});

test.each([
  [undefined, null],
  ["", null],
  ["echo", ["echo"]],
  [" echo , add,", ["echo", "add"]],
  [",", []],
])("OPENEXEC_ALLOWED_ACTIONS %s allows %s", (value, allowed) => {
  const environment: Variables = value === undefined ? {} : { OPENEXEC_ALLOWED_ACTIONS: value };
  const { allowedActions } = load("", { environment }).config;
  expect(allowedActions === null ? null : [...allowedActions]).toEqual(allowed);
});

test("OPENEXEC_ALLOWED_ACTIONS stands beside a socket's list, so that both have to allow", () => {
  const { config } = load('[[sockets]]\npath = "/a"\nactions = ["add"]', {
    environment: { OPENEXEC_ALLOWED_ACTIONS: "echo" },
  });
  expect(config.sockets[0]?.actions).toEqual(new Set(["add"]));
  expect(config.allowedActions).toEqual(new Set(["echo"]));
});
