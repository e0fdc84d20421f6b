/**
 * OpenExec 0.1.10's environment over a configuration: OPENEXEC_MODE, OPENEXEC_ALLOWED_ACTIONS,
 * CLAWSHIELD_PUBLIC_KEY and CLAWSHIELD_TENANT_ID.
 *
 * Invariant: a variable narrows what the file says, and lets nobody approve whom the file does not
 * let. Where the two contradict each other the daemon does not start, because neither of them is
 * surely the stricter.
 */

import * as v from "valibot";
import { equalBytes } from "../core/bytes.ts";
import { isName } from "../core/limits.ts";
import type { Mode } from "../core/types.ts";
import type { ClawshieldConfig } from "./config.ts";
import type { NoteProblem } from "./config_error.ts";
import type { OpenexecVariables } from "./environment.ts";
import { name, publicKey } from "./fields.ts";
import { clawshieldSchema, type Settings } from "./schema.ts";

/** The settings that have such a variable, before it is read. */
export interface Overridable {
  /** The configuration file, or null for the embedded default. */
  readonly file: string | null;
  /** The mode and where it comes from; null where neither a file nor --mode says one. */
  readonly mode: { readonly value: Mode; readonly source: string } | null;
  readonly clawshield: Settings["clawshield"];
}

/** The same settings, with the variables in them. */
export interface Overridden {
  readonly mode: Mode;
  readonly clawshield: ClawshieldConfig | null;
  readonly allowedActions: ReadonlySet<string> | null;
}

export function applyLegacyEnvironment(
  settings: Overridable,
  variables: OpenexecVariables,
  note: NoteProblem,
): Overridden {
  const mode = modeOf(settings.mode, variables.mode, note);
  return {
    mode,
    // demo reads no approvals, so nothing may look as if it verified some
    clawshield: mode === "demo" ? null : clawshieldOf(settings, variables, note),
    allowedActions: allowedActionsOf(variables.allowedActions, note),
  };
}

const MODES: ReadonlyMap<string, Mode> = new Map([
  ["demo", "demo"],
  ["clawshield", "enforced"],
  ["enforced", "enforced"],
]);

function modeOf(setting: Overridable["mode"], variable: string | null, note: NoteProblem): Mode {
  const wanted = variable === null ? undefined : MODES.get(variable);
  if (variable !== null && wanted === undefined) {
    const got = JSON.stringify(variable);
    note("OPENEXEC_MODE", `expected "demo", "clawshield" or "enforced", got ${got}`);
  }
  if (setting === null) return wanted ?? "enforced";
  if (wanted !== undefined && wanted !== setting.value) {
    note(
      "OPENEXEC_MODE",
      `"${variable}" contradicts mode "${setting.value}" of ${setting.source}; unset one of them`,
    );
  }
  return setting.value;
}

function allowedActionsOf(variable: string | null, note: NoteProblem): ReadonlySet<string> | null {
  if (variable === null) return null;
  const names = variable.split(",").map((name) => name.trim()).filter((name) => name !== "");
  for (const name of names) {
    if (!isName(name)) {
      note("OPENEXEC_ALLOWED_ACTIONS", `${JSON.stringify(name)} is no name of an action`);
    }
  }
  return new Set(names);
}

/** The variables that ask for ClawShield's approvals, and whether each is set. */
const asking = ({ clawshieldPublicKey, clawshieldTenant, mode }: OpenexecVariables) =>
  [
    ["CLAWSHIELD_PUBLIC_KEY", clawshieldPublicKey !== null],
    ["CLAWSHIELD_TENANT_ID", clawshieldTenant !== null],
    ["OPENEXEC_MODE", mode === "clawshield"],
  ] as const;

function clawshieldOf(
  { file, clawshield }: Overridable,
  variables: OpenexecVariables,
  note: NoteProblem,
): ClawshieldConfig | null {
  const { clawshieldPublicKey, clawshieldTenant } = variables;
  const wanted = asking(variables).find(([, isSet]) => isSet)?.[0];
  if (clawshield === undefined && wanted === undefined) return null;
  if (clawshield === undefined && wanted !== undefined && file !== null) {
    note(wanted, `would add an approver; write [clawshield] into ${file}, or unset it`);
    return null;
  }
  const section = clawshield ?? v.parse(clawshieldSchema, {});
  const place = clawshield === undefined ? null : ["clawshield"];
  const key = agreed({
    name: "CLAWSHIELD_PUBLIC_KEY",
    variable: parsed(keyVariable, clawshieldPublicKey, "CLAWSHIELD_PUBLIC_KEY", note),
    key: "clawshield.public_key",
    file: section.public_key,
    place,
  }, note);
  const tenant = agreed({
    name: "CLAWSHIELD_TENANT_ID",
    variable: parsed(name, clawshieldTenant, "CLAWSHIELD_TENANT_ID", note),
    key: "clawshield.tenant",
    file: section.tenant,
    place,
  }, note);
  if (key === undefined || tenant === undefined) return null;
  return {
    publicKey: key,
    tenant,
    actions: new Set(section.actions),
    maxTtlSeconds: section.max_ttl / 1000,
  };
}

/** Accepts `\\n` for a line break too: shells and unit files make people write one so. */
const keyVariable = v.pipe(
  v.string(),
  v.transform((pem) => pem.replaceAll("\\n", "\n")),
  publicKey,
);

/** Returns undefined for a variable that is not set, and null for a wrong one, which it notes. */
function parsed<Output>(
  schema: v.GenericSchema<string, Output>,
  text: string | null,
  variable: string,
  note: NoteProblem,
): Output | null | undefined {
  if (text === null) return undefined;
  const result = v.safeParse(schema, text);
  if (result.success) return result.output;
  note(variable, `expected ${result.issues[0].message}`);
  return null;
}

interface TwoSources<Value> {
  readonly name: string;
  readonly variable: Value | null | undefined;
  readonly key: string;
  readonly file: Value | undefined;
  /** The section's key in the file, null when the file has none. */
  readonly place: readonly string[] | null;
}

/** Returns the value that variable and file agree on; notes a missing value or a difference. */
function agreed<Value extends string | Uint8Array>(
  sources: TwoSources<Value>,
  note: NoteProblem,
): Value | undefined {
  const { name, variable, key, file, place } = sources;
  if (variable === null) return undefined;
  if (variable === undefined && file === undefined) {
    note(place ?? name, `missing; set ${key} or ${name}`);
  } else if (variable !== undefined && file !== undefined && !isSame(variable, file)) {
    note(name, `differs from ${key} of the file; unset one of them`);
  }
  return file ?? variable;
}

function isSame(a: string | Uint8Array, b: string | Uint8Array): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array ? equalBytes(a, b) : a === b;
}
