/**
 * OpenExec 0.1.10's environment over a configuration: OPENEXEC_MODE, OPENEXEC_ALLOWED_ACTIONS, CLAWSHIELD_PUBLIC_KEY and
 * CLAWSHIELD_TENANT_ID.
 *
 * Invariant: a variable narrows what the file says or fills in what it leaves open; where the two contradict each other the
 * daemon does not start, because no reading of such a pair is surely the stricter one.
 */

import * as v from "valibot";
import { equalBytes } from "../core/encoding.ts";
import { isName } from "../core/limits.ts";
import type { Mode } from "../core/types.ts";
import type { ClawshieldConfig } from "./config.ts";
import type { OpenexecVariables } from "./environment.ts";
import { name, publicKey } from "./fields.ts";
import { clawshieldSchema } from "./access_schema.ts";
import type { Settings } from "./schema.ts";

/** Takes note of a problem: of a variable by its name, or of a key of the file by its path. */
export type Report = (where: string | readonly (string | number)[], message: string) => void;

/** What was said before the environment was looked at. `said` is null where neither a file nor --mode did. */
export interface Said {
  readonly mode: { readonly value: Mode; readonly by: string } | null;
  readonly clawshield: Settings["clawshield"];
}

export interface Tightened {
  readonly mode: Mode;
  readonly clawshield: ClawshieldConfig | null;
  readonly allowedActions: ReadonlySet<string> | null;
}

export function tighten(said: Said, variables: OpenexecVariables, report: Report): Tightened {
  const mode = modeOf(said.mode, variables.mode, report);
  return {
    mode,
    // demo reads no approvals, so nothing may look as if it verified some
    clawshield: mode === "demo" ? null : clawshieldOf(said.clawshield, variables, report),
    allowedActions: allowedActionsOf(variables.allowedActions, report),
  };
}

const MODES: ReadonlyMap<string, Mode> = new Map([
  ["demo", "demo"],
  ["clawshield", "enforced"],
  ["enforced", "enforced"],
]);

function modeOf(said: Said["mode"], variable: string | null, report: Report): Mode {
  const wanted = variable === null ? undefined : MODES.get(variable);
  if (variable !== null && wanted === undefined) {
    report(
      "OPENEXEC_MODE",
      `expected "demo", "clawshield" or "enforced", got ${JSON.stringify(variable)}`,
    );
  }
  if (said === null) return wanted ?? "enforced";
  if (wanted !== undefined && wanted !== said.value) {
    report(
      "OPENEXEC_MODE",
      `"${variable}" contradicts mode "${said.value}" of ${said.by}; unset one of them`,
    );
  }
  return said.value;
}

function allowedActionsOf(variable: string | null, report: Report): ReadonlySet<string> | null {
  if (variable === null) return null;
  const names = variable.split(",").map((name) => name.trim()).filter((name) => name !== "");
  for (const name of names) {
    if (!isName(name)) {
      report("OPENEXEC_ALLOWED_ACTIONS", `${JSON.stringify(name)} is no name of an action`);
    }
  }
  return new Set(names);
}

function clawshieldOf(
  file: Settings["clawshield"],
  variables: OpenexecVariables,
  report: Report,
): ClawshieldConfig | null {
  const { clawshieldPublicKey, clawshieldTenant } = variables;
  const asked = file !== undefined || clawshieldPublicKey !== null || clawshieldTenant !== null ||
    variables.mode === "clawshield";
  if (!asked) return null;
  const section = file ?? v.parse(clawshieldSchema, {});
  const place = file === undefined ? null : ["clawshield"];
  const key = agreed({
    name: "CLAWSHIELD_PUBLIC_KEY",
    variable: parsed(keyVariable, clawshieldPublicKey, "CLAWSHIELD_PUBLIC_KEY", report),
    key: "clawshield.public_key",
    file: section.public_key,
    place,
  }, report);
  const tenant = agreed({
    name: "CLAWSHIELD_TENANT_ID",
    variable: parsed(name, clawshieldTenant, "CLAWSHIELD_TENANT_ID", report),
    key: "clawshield.tenant",
    file: section.tenant,
    place,
  }, report);
  if (key === undefined || tenant === undefined) return null;
  return {
    publicKey: key,
    tenant,
    actions: new Set(section.actions),
    maxTtlSeconds: section.max_ttl / 1000,
  };
}

/** A key whose line breaks were written as `\\n`, as shells and unit files make one do, is taken as well. */
const keyVariable = v.pipe(
  v.string(),
  v.transform((pem) => pem.replaceAll("\\n", "\n")),
  publicKey,
);

/** undefined when the variable is not set, null when it is wrong, which has been reported then. */
function parsed<Output>(
  schema: v.GenericSchema<string, Output>,
  text: string | null,
  variable: string,
  report: Report,
): Output | null | undefined {
  if (text === null) return undefined;
  const result = v.safeParse(schema, text);
  if (result.success) return result.output;
  report(variable, `expected ${result.issues[0].message}`);
  return null;
}

interface TwoSources<Value> {
  readonly name: string;
  readonly variable: Value | null | undefined;
  readonly key: string;
  readonly file: Value | undefined;
  /** Of the section in the file, null when it has none. */
  readonly place: readonly string[] | null;
}

/** The value that variable and file agree on; what is missing or differs is reported. */
function agreed<Value extends string | Uint8Array>(
  sources: TwoSources<Value>,
  report: Report,
): Value | undefined {
  const { name, variable, key, file, place } = sources;
  if (variable === null) return undefined;
  if (variable === undefined && file === undefined) {
    report(place ?? name, `missing; set ${key} or ${name}`);
  } else if (variable !== undefined && file !== undefined && !isSame(variable, file)) {
    report(name, `differs from ${key} of the file; unset one of them`);
  }
  return file ?? variable;
}

function isSame(a: string | Uint8Array, b: string | Uint8Array): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array ? equalBytes(a, b) : a === b;
}
