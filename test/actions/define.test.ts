import { expect, expectTypeOf, test } from "vitest";
import { type ActionContext, defineAction } from "../../src/actions/define.ts";
import * as v from "valibot";

test("defineAction() gives back what it was given", () => {
  const action = { input: v.object({}), output: v.null(), run: () => null };
  expect(defineAction(action)).toBe(action);
});

test("defineAction() infers the types of run() from the schemas", () => {
  const action = defineAction({
    input: v.object({
      amount: v.number(),
      currency: v.optional(v.picklist(["EUR", "USD"]), "EUR"),
    }),
    output: v.object({ id: v.string(), note: v.optional(v.string()) }),
    run(input, context) {
      expectTypeOf(input).toEqualTypeOf<{ amount: number; currency: "EUR" | "USD" }>();
      expectTypeOf(context).toEqualTypeOf<ActionContext>();
      return { id: "1" };
    },
  });
  expectTypeOf(action.run).returns.toEqualTypeOf<
    { id: string; note?: string | undefined } | Promise<{ id: string; note?: string | undefined }>
  >();
  expectTypeOf<Parameters<typeof action.run>[0]>().toEqualTypeOf<
    { amount: number; currency: "EUR" | "USD" }
  >();
});

test("a run() that returns something else than its output schema takes is a type error", () => {
  const output = v.object({ id: v.string() });
  type Run = Parameters<typeof defineAction<v.GenericSchema, typeof output>>[0]["run"];
  expectTypeOf<() => { id: number }>().not.toExtend<Run>();
  expectTypeOf<() => Promise<{ id: string }>>().toExtend<Run>();
});
