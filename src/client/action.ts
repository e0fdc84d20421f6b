/** The types of a handler, which hold an action's payload and result to its schemas. */

import type { GenericSchema, InferInput, InferOutput } from "valibot";

/** The types of a value that `defineAction` returns. */
export interface HandlerTypes {
  readonly input: GenericSchema;
  readonly output: GenericSchema;
}

export type PayloadOf<Handler extends HandlerTypes> = InferInput<Handler["input"]>;
export type ResultOf<Handler extends HandlerTypes> = InferOutput<Handler["output"]>;
