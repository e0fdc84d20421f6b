/**
 * How a handler is written. This is what `import { defineAction } from "openexec"` gives, in a handler as in an editor.
 *
 * Invariant: no imports but types, no behaviour: the text of this file is handed to every handler's worker as it is.
 */

import type { GenericSchema, InferInput, InferOutput } from "valibot";

/** A value that JSON can say (RFC 8259). */
export type Json = null | boolean | number | string | readonly Json[] | {
  readonly [key: string]: Json;
};

/** What a handler knows of the execution it is. */
export interface ActionContext {
  /**
   * The same text for every run of one execution, reruns after an interruption included, and never that of another.
   * Hand it to downstream services that deduplicate by such a key.
   */
  readonly idempotencyKey: string;
  readonly executionId: string;
  /** Texts of the secrets that the configuration grants this action, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Aborts shortly before the time limit ends the run. */
  readonly signal: AbortSignal;
  /** Adds a line to the daemon's log, with the execution's id. Long lines are cut, and after many the rest is dropped. */
  readonly log: (message: string, fields?: Readonly<Record<string, Json>>) => void;
  /** W3C Trace Context of the request, or null. */
  readonly traceparent: string | null;
}

/** A handler: what it takes, what it gives, and what it does. Name, grants and limits come from the configuration. */
export interface Action<
  Input extends GenericSchema = GenericSchema,
  Output extends GenericSchema = GenericSchema,
> {
  /** A valibot schema that has a JSON Schema: one without transformations, custom checks or promises. */
  readonly input: Input;
  readonly output: Output;
  /** Throws, or rejects, when it did not do what it should: the execution has failed then, and its effect is unknown. */
  readonly run: (
    input: InferOutput<Input>,
    context: ActionContext,
  ) => InferInput<Output> | Promise<InferInput<Output>>;
}

/** Returns `action` as it is; what it adds is the types of `run`, inferred from the schemas. */
export function defineAction<const Input extends GenericSchema, const Output extends GenericSchema>(
  action: Action<Input, Output>,
): Action<Input, Output> {
  return action;
}
