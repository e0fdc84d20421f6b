/** The tools: one for each action that may be asked for, and two about proposals. */

import { isSeats, seatCount } from "../core/approvers_needed.ts";
import { isJsonObject } from "../core/json/json.ts";
import type { Tool } from "@modelcontextprotocol/server";
import { StartupError } from "../core/startup_error.ts";
import type { Json, JsonObject } from "../core/types.ts";
import type { ActionDescription } from "../client/description.ts";
import { WAIT_TOOL, WITHDRAW_TOOL } from "./texts.ts";

/** A name that every client takes. */
const FOREIGN = /[^A-Za-z0-9_-]/g;

const PROPOSAL: Tool["inputSchema"] = {
  type: "object",
  properties: {
    proposal: { type: "string", description: "The id that a pending answer named." },
  },
  required: ["proposal"],
  additionalProperties: false,
};

const OWN_TOOLS: readonly Tool[] = [
  {
    name: WAIT_TOOL,
    title: "Wait for a decision",
    description: "Goes on waiting for a proposal that was answered as pending, and tells how it " +
      "ended. It proposes nothing.",
    inputSchema: PROPOSAL,
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  {
    name: WITHDRAW_TOOL,
    title: "Take a proposal back",
    description: "Takes back a proposal that nobody has decided yet, so that it never runs.",
    inputSchema: PROPOSAL,
    annotations: { destructiveHint: false, idempotentHint: true, openWorldHint: false },
  },
];

/** Tools, and the actions behind them. */
export interface Tools {
  readonly list: readonly Tool[];
  /** By the tool's name. */
  readonly actions: ReadonlyMap<string, string>;
}

/**
 * `chosen` null: every action. Throws a StartupError where two tools would have one name, or a
 * chosen action is none that may be asked for.
 */
export function toolsOf(
  actions: readonly ActionDescription[],
  chosen: ReadonlySet<string> | null,
): Tools {
  const unknown = [...chosen ?? []].filter((name) => actions.every((known) => known.name !== name));
  if (unknown.length > 0) {
    throw new StartupError(
      `${unknown.join(", ")} may not be asked for on this socket`,
      "`openexec actions` lists what may",
    );
  }
  const names = new Map<string, string>(OWN_TOOLS.map(({ name }) => [name, name]));
  const list = actions.filter(({ name }) => chosen?.has(name) ?? true).map((action) => {
    const name = action.name.replace(FOREIGN, "_");
    const other = names.get(name);
    if (other !== undefined) {
      throw new StartupError(
        `${other} and ${action.name} would both be the tool ${name}`,
        "Leave one out with --actions, or have it renamed in the configuration",
      );
    }
    names.set(name, action.name);
    return toolOf(name, action);
  });
  for (const { name } of OWN_TOOLS) names.delete(name);
  return { list: [...list, ...OWN_TOOLS], actions: names };
}

function toolOf(name: string, action: ActionDescription): Tool {
  const { title, description, input_schema, approvals } = action;
  return {
    name,
    ...(typeof title === "string" ? { title } : {}),
    description: descriptionOf(
      typeof description === "string" ? description : `Runs the action ${action.name}.`,
      approvals,
    ),
    inputSchema: schemaOf(input_schema),
    annotations: {
      ...hint("readOnlyHint", action["read_only"]),
      ...hint("destructiveHint", action["destructive"]),
      ...hint("idempotentHint", action["idempotent"]),
      ...hint("openWorldHint", action["open_world"]),
    },
  };
}

function descriptionOf(description: string, approvals: Json | undefined): string {
  const count = isSeats(approvals) ? seatCount(approvals) : 0;
  if (count === 0) return description;
  const people = count === 1 ? "a person approved" : `${count} people approved`;
  return `${description}\n\nIt runs once ${people} exactly this call, which may take a while.`;
}

/** The action's schema as it is; tools need one whose type is an object, as every payload is. */
function schemaOf(schema: Json | undefined): Tool["inputSchema"] {
  const { type: _, ...rest }: JsonObject = isJsonObject(schema) ? schema : {};
  return { ...rest, type: "object" };
}

function hint(name: string, value: Json | undefined): Record<string, boolean> {
  return typeof value === "boolean" ? { [name]: value } : {};
}
