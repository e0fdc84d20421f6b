/**
 * docs/config.schema.json and docs/config.md, from the schema the daemon reads its configuration
 * with.
 */

import { type ConversionConfig, type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import { VARIABLES } from "../src/config/environment.ts";
import { settingsSchema } from "../src/config/schema.ts";

/** Steps that convert a value, or check what JSON Schema has no word for. */
const BEYOND_SHAPE: ReadonlySet<string> = new Set([
  "transform",
  "raw_transform",
  "check",
  "guard",
  "excludes",
]);

const CONVERSION: ConversionConfig = {
  target: "draft-07",
  // "output" follows a pipe from its last schema: the table behind the check that it is one
  typeMode: "output",
  overrideAction: ({ valibotAction, jsonSchema }) =>
    BEYOND_SHAPE.has(valibotAction.type) ? jsonSchema : undefined,
  overrideSchema: ({ valibotSchema, jsonSchema }) => {
    if (valibotSchema.type === "date") return { type: "string", format: "date-time" };
    if (valibotSchema.type === "object_with_rest") {
      return { ...jsonSchema, additionalProperties: false };
    }
    return undefined;
  },
};

export function configSchema(): JsonSchema {
  const { $schema, ...rest } = toJsonSchema(settingsSchema, CONVERSION);
  return {
    ...($schema === undefined ? {} : { $schema }),
    title: "openexec configuration",
    ...rest,
  };
}

const INTRODUCTION = `# Configuration

Generated from src/config/ by \`npm run docs\`; editors take
[config.schema.json](config.schema.json), and [examples/openexec.toml](../examples/openexec.toml)
shows every key in use.

The configuration is one TOML file: \`--config FILE\`, else \`$OPENEXEC_CONFIG\`, else
\`/etc/openexec/openexec.toml\`. A file that is named and not there, cannot be read, or has anything
in it that is not described here keeps the daemon from starting; every problem is reported at once,
with file, line, key and what is expected. Without any file the embedded default applies: the
defaults below, and one approver, \`development\`, whose key is made on first start as
\`approver.key\` in the state directory. That key can be read by the same user's agents, so the
daemon, \`/health\` and every receipt say \`development_approver\`. No such key is made in demo
mode, nor where \`[clawshield]\` is set.

A reload (SIGHUP) reads the file that the daemon was started from, and no other. Where it is gone,
and where there is one now that was not there at the start, the reload fails, and approvers and keys
stay as they were.

Paths are absolute or relative to the file; permissions are absolute. Durations are a whole number
and \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`; sizes are bytes, or text with \`B\`, \`KiB\`, \`MiB\` or
\`GiB\`.
`;

const REFUSALS = `## Refused at start

Each with the line to mend:

- two sockets with one file name; a socket path over 104 bytes;
- two approvers with one name; two keys with one keyid; one public key listed twice, whatever kinds
  of keys they are said to be, [clawshield] included; the name \`clawshield\`; a key that is not
  admissible (not on the curve, not canonical, of small order);
- a key that is not exactly one of \`public_key\`, \`ssh\` and \`passkey\`; a passkey without
  \`rp_id\`, or with an origin that is neither \`https://\` and its \`rp_id\` nor, for localhost, a
  port of http://localhost;
- \`approvals\` above one, or by group, that the approvers who may approve the action with keys that
  meet its \`require\` could not give. That nobody may approve an action, and that a list names an
  action that does not exist, are warnings: such an action is refused when it is asked for;
- a handler file without a digest in enforced mode, or with another digest than the pinned one; an
  input schema that has no JSON Schema;
- \`read\` and \`write\` permissions for a path that contains, or lies in, the state directory, the
  configuration file, a socket, a handler, a secret, the anchor or a checkpoint file, as written or
  with symbolic links resolved; \`write\` permissions that touch openexec's own files;
- a kernel that lacks a part of the box: where \`[box] kernel = "required"\`, and where an action
  may \`run\` programs without \`unconfined = true\`, since nothing else would confine them;
- \`on_interrupt = "rerun"\` unless \`idempotent = true\` and the payload is stored;
- an anchor inside the state directory, which would be rolled back with it;
- a path with a comma among those the daemon itself uses: the runtime can be given no permission for
  it;
- a state directory that belongs to another executor_id or mode.
`;

const ENVIRONMENT = `## Environment

OpenExec 0.1.10's variables work. They may only tighten what a file says: allow-lists intersect;
what differs from the file (\`OPENEXEC_MODE=demo\` beside an enforced file, another key, another
tenant) keeps the daemon from starting. CLAWSHIELD_PUBLIC_KEY is an approver: it needs a
[clawshield] in the file, if only the header, and fills in what that leaves open. Without a file the
variables stand for the whole of it. In demo mode no approval is read and the CLAWSHIELD variables
are ignored. An empty variable counts as unset.
`;

export function configReference(): string {
  const variables = Object.entries(VARIABLES).map(([name, text]) =>
    `| \`${name}\` | ${cell(text)} |`
  );
  return [
    INTRODUCTION,
    ...tables("Top level", "", configSchema()),
    REFUSALS,
    ENVIRONMENT,
    ["| variable | what for |", "|---|---|", ...variables, ""].join("\n"),
  ].join("\n");
}

/** One section per table of the file, each followed by those inside it. */
function tables(title: string, path: string, schema: JsonSchema): string[] {
  const keys = Object.entries(schema.properties ?? {}).flatMap(([name, value]) =>
    typeof value === "object" ? [{ name, value, table: tableOf(name, value) }] : []
  );
  const rows = keys.filter(({ table }) => table === null).map(({ name, value }) =>
    row(name, value, schema)
  );
  const heading = `## ${title}\n`;
  const head = schema.description === undefined ? heading : `${heading}\n${schema.description}\n`;
  const table = ["| key | takes | default | meaning |", "|---|---|---|---|", ...rows, ""].join(
    "\n",
  );
  return [
    rows.length === 0 ? head : `${head}\n${table}`,
    ...keys.flatMap(({ value, table }) => {
      if (table === null) return [];
      const inner = path === "" ? table.name : `${path}.${table.name}`;
      const shown = table.repeated ? `[[${inner}]]` : `[${inner}]`;
      return tables(shown, inner, { ...table.schema, ...describe(value) });
    }),
  ];
}

function describe({ description }: JsonSchema): JsonSchema {
  return description === undefined ? {} : { description };
}

interface Inner {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly repeated: boolean;
}

/**
 * The table that a key holds: itself, one per name, or a list of them; null for any other value.
 */
function tableOf(name: string, schema: JsonSchema): Inner | null {
  const { properties, additionalProperties, items } = schema;
  if (properties !== undefined) return { name, schema, repeated: false };
  if (typeof additionalProperties === "object" && additionalProperties.properties !== undefined) {
    return { name: `${name}.NAME`, schema: additionalProperties, repeated: false };
  }
  if (typeof items === "object" && !Array.isArray(items) && items.properties !== undefined) {
    return { name, schema: items, repeated: true };
  }
  return null;
}

function row(name: string, schema: JsonSchema, parent: JsonSchema): string {
  const fallback = parent.required?.includes(name)
    ? "required"
    : schema.default === undefined
    ? ""
    : `\`${JSON.stringify(schema.default)}\``;
  const takes = "errorMessage" in schema ? String(schema.errorMessage) : "";
  return `| \`${name}\` | ${cell(takes)} | ${fallback} | ${cell(schema.description ?? "")} |`;
}

/** Text as it may stand in a cell of a table. */
export function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
