/**
 * The shape of a handler, and of what it says when it fails: `import { defineAction } from
 * "openexec"` loads this file.
 *
 * Invariant: it imports types only, because every executor gets its text as it is.
 */

import type { GenericSchema, InferInput, InferOutput } from "valibot";
import type { Json } from "../core/types.ts";

export type { Json };

/** Tells a handler about the execution it runs for. */
export interface ActionContext {
  /**
   * The same text for every run of one execution, including a rerun after an interruption, and
   * never that of another. Hand it to downstream services that deduplicate by such a key.
   */
  readonly idempotencyKey: string;
  readonly executionId: string;
  /** Texts of the secrets that the configuration gives this action, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Aborts shortly before the time limit ends the run. */
  readonly signal: AbortSignal;
  /**
   * Adds a line to the daemon's log, with the execution's id. Long lines are cut, and after many
   * lines the rest is dropped.
   */
  readonly log: (message: string, fields?: Readonly<Record<string, Json>>) => void;
  /** W3C Trace Context of the request, or null. */
  readonly traceparent: string | null;
}

/**
 * A handler: its input, its output, and what it does. Its name, permissions and limits come from
 * the configuration.
 */
export interface Action<
  Input extends GenericSchema = GenericSchema,
  Output extends GenericSchema = GenericSchema,
> {
  /** For people, at most 100 characters. The configuration may say another, as for all of these. */
  readonly title?: string;
  /** For people and models: what it does, and when to ask for it. At most 2000 characters. */
  readonly description?: string;
  /** Hints for models, named as in the configuration: it changes nothing, */
  readonly read_only?: boolean;
  /** it may destroy or overwrite, */
  readonly destructive?: boolean;
  /** it reaches things that others can change. */
  readonly open_world?: boolean;
  /** A valibot schema that has a JSON Schema: no transformations, custom checks or promises. */
  readonly input: Input;
  readonly output: Output;
  /**
   * Throws or rejects when it did not succeed. The execution has failed then, effect unknown.
   * Nobody but the operator reads why, unless it is a PublicError.
   */
  readonly run: (
    input: InferOutput<Input>,
    context: ActionContext,
  ) => InferInput<Output> | Promise<InferInput<Output>>;
}

/** Returns `action` as it is, and gives `run` the types of the schemas. */
export function defineAction<const Input extends GenericSchema, const Output extends GenericSchema>(
  action: Action<Input, Output>,
): Action<Input, Output> {
  return action;
}

/** The same in every copy of this file: a bundler may give a handler one of its own. */
const MARK = Symbol.for("openexec.PublicError");

/**
 * An error that whoever asked may read: its message is the `reason` of the failed execution, cut to
 * 500 characters. Its stack and its `cause` are for the operator's log alone.
 */
export class PublicError extends Error {
  override readonly name: string = "PublicError";

  /** Tells whether `value` is one, of this copy of the class or of another. */
  static is(value: unknown): value is PublicError {
    return typeof value === "object" && value !== null && MARK in value;
  }

  /** On the prototype, so that no print of an error shows it. */
  get [MARK](): true {
    return true;
  }
}
