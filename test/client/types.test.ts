import * as v from "valibot";
import { expectTypeOf, test } from "vitest";
import { defineAction } from "../../src/actions/define.ts";
import {
  type Execution,
  OpenExecClient,
  type OpenExecError,
  type PayloadOf,
  type ResultOf,
  type TypedAction,
} from "../../src/client/mod.ts";

const chargeCard = defineAction({
  input: v.object({ amount: v.number(), note: v.optional(v.string()) }),
  output: v.object({ charge: v.string() }),
  run: ({ amount }) => ({ charge: `ch_${amount}` }),
});

test("a typed action takes the handler's payload and gives its result", () => {
  const action = new OpenExecClient({ socketPath: "/nowhere" }).action<typeof chargeCard>(
    "charge_card",
  );
  expectTypeOf(action).toEqualTypeOf<TypedAction<typeof chargeCard>>();
  expectTypeOf<PayloadOf<typeof chargeCard>>().toEqualTypeOf<
    { amount: number; note?: string | undefined }
  >();
  expectTypeOf<ResultOf<typeof chargeCard>>().toEqualTypeOf<{ charge: string }>();
  expectTypeOf(action.request).parameter(0).toEqualTypeOf<PayloadOf<typeof chargeCard>>();
  expectTypeOf(action.request).parameter(0).not.toExtend<{ amount: string }>();
  expectTypeOf(action.execute).returns.resolves.toEqualTypeOf<Execution<{ charge: string }>>();
});

test("a result may be missing, so it has to be looked at first", () => {
  expectTypeOf<Execution<{ charge: string }>["result"]>().toEqualTypeOf<
    { charge: string } | null
  >();
});

test("an error says what may have happened and what may be done, in closed words", () => {
  expectTypeOf<OpenExecError["effect"]>().toEqualTypeOf<"none" | "unknown">();
  expectTypeOf<OpenExecError["retry"]>().toEqualTypeOf<"never" | "same_request" | "new_approval">();
  expectTypeOf<"approval_expired">().toExtend<OpenExecError["code"]>();
});
