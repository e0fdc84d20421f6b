/** Tools are what the daemon lists, under names that every client takes. */

import { expect, test } from "vitest";
import { toolsOf } from "../../src/mcp/tools.ts";
import { connectingLines } from "../../src/mcp/agents.ts";

const ACTION = {
  name: "charge_card",
  title: "Charge a card",
  description: "Charges a card.",
  read_only: false,
  destructive: true,
  open_world: null,
  idempotent: false,
  approvals: 1,
  input_schema: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: { cents: { type: "integer", description: "In cents." } },
  },
};
const named = (name: string) => ({ ...ACTION, name });
const namesOf = (names: readonly string[], chosen: readonly string[] | null = null) =>
  toolsOf(names.map(named), chosen === null ? null : new Set(chosen)).list.map(({ name }) => name);
const OWN = ["openexec_wait", "openexec_withdraw"];

test("a tool has the action's title, description, schema and hints", () => {
  const { list, actions } = toolsOf([ACTION], null);
  expect(list[0]).toEqual({
    name: "charge_card",
    title: "Charge a card",
    description: expect.stringMatching(/^Charges a card\.\n\nIt runs once a person approved/),
    inputSchema: ACTION.input_schema,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
  });
  expect(actions.get("charge_card")).toBe("charge_card");
});

test.each([
  [2, "2 people"],
  [{ finance: 1, ops: 1 }, "2 people"],
  [{ finance: 1 }, "a person"],
])("a tool that needs approvals %j says that %s have to approve", (approvals, people) => {
  const { list } = toolsOf([{ ...ACTION, approvals }], null);
  expect(list[0]?.description).toContain(`It runs once ${people} approved exactly this call`);
});

test.each([0, {}])("a tool that needs approvals %j speaks of nobody", (approvals) => {
  const { list } = toolsOf([{ ...ACTION, approvals }], null);
  expect(list[0]?.description).toBe("Charges a card.");
});

test("an action about which nobody said anything is a tool all the same", () => {
  const { list } = toolsOf([{ name: "echo", title: null, input_schema: {} }], null);
  expect(list[0]).toEqual({
    name: "echo",
    description: "Runs the action echo.",
    inputSchema: { type: "object" },
    annotations: {},
  });
});

test("every other character of a name becomes _, and the action behind is known", () => {
  const { list, actions } = toolsOf([named("mail.send/é")], null);
  expect(list[0]?.name).toBe("mail_send__");
  expect(actions.get("mail_send__")).toBe("mail.send/é");
});

test("names that objects are born with are names like any other", () => {
  const { actions } = toolsOf([named("__proto__"), named("constructor")], null);
  expect([...actions.keys()]).toEqual(["__proto__", "constructor"]);
  expect(actions.get("toString")).toBeUndefined();
});

test.each([
  [["a.b", "a_b"]],
  [["openexec.wait"]],
  [["openexec_withdraw"]],
])("two tools of one name refuse the start: %j", (names) => {
  expect(() => toolsOf(names.map(named), null)).toThrow(
    expect.objectContaining({ name: "StartupError" }),
  );
});

test("--actions leaves the others out, and with them their clashes", () => {
  expect(namesOf(["a.b", "a_b", "c"], ["a.b", "c"])).toEqual(["a_b", "c", ...OWN]);
  expect(() => namesOf(["a"], ["a", "b"])).toThrow(
    expect.objectContaining({ name: "StartupError" }),
  );
});

test("the line to connect is that of the agents that are here, else the common one", () => {
  const here = (trace: string) => connectingLines("/opt/openexec", (name) => name === trace);
  expect(here(".claude.json")).toEqual([
    "Claude Code: claude mcp add openexec -- /opt/openexec mcp",
  ]);
  expect(here(".codex")).toEqual(["Codex: codex mcp add openexec -- /opt/openexec mcp"]);
  expect(here("nothing")[0]).toContain('"command":"/opt/openexec","args":["mcp"]');
});
