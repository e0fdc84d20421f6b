/**
 * Surrounds a handler: loads it, checks what goes in and what comes out, runs it, and tells
 * how that went.
 *
 * A handler shares this realm and may change every object in it. That can spoil what is said of its
 * own run, and with `reuse` of later runs of the same code in the same process; no other execution
 * hears or says anything here.
 */

import { type Action, type ActionContext, PublicError } from "openexec";
import type { GenericSchema } from "valibot";
import { presentationOf } from "../../core/presentation.ts";
import {
  type Boot,
  type Check,
  type Code,
  type Describe,
  LOG_LENGTH_MAX,
  type Run,
  SCHEMA_LENGTH_MAX,
  type ToDaemon,
} from "../protocol.ts";
import { contextOf } from "./context.ts";
import { jsonText } from "./json_text.ts";
import { importHeld, loadLibrary } from "./load.ts";
import { expectationOf, reworded } from "./reasons.ts";

/** Said of a payload whose schema throws. */
const UNDECIDED = "a payload about which the action's schema can decide";

const SCHEMA_OPTIONS = { target: "draft-2020-12", errorMode: "throw" };

/** Throws inside this room only: carries the code and reason of a run that did not succeed. */
class Failure {
  readonly #isOurs = true;
  readonly code: "handler_failed" | "result_invalid";
  readonly reason: string;

  constructor(code: Failure["code"], reason: string) {
    this.code = code;
    this.reason = reason;
  }

  /** Asks nothing of the value itself, which may be anything that a handler threw. */
  static is(value: unknown): value is Failure {
    return typeof value === "object" && value !== null && #isOurs in value;
  }
}

export class Harness {
  readonly #library: ReturnType<typeof loadLibrary>;
  readonly #limits: Boot["limits"];
  readonly #say: (message: ToDaemon) => void;
  readonly #handlers: ReadonlyMap<string, Code>;
  /** Imports that were begun. */
  readonly #modules = new Map<string, Promise<unknown>>();
  readonly #loaded = new Map<string, Action>();

  constructor(boot: Boot, say: (message: ToDaemon) => void) {
    this.#library = loadLibrary(boot.library);
    this.#limits = boot.limits;
    this.#say = say;
    this.#handlers = new Map(boot.handlers);
  }

  /**
   * Makes ready what the first run needs. `takeFirst` takes the first message and returns when it
   * has come: nothing of a handler has run before that.
   */
  async makeReady(takeFirst: () => void): Promise<void> {
    const schema: GenericSchema = this.#library.strictObject({});
    const action: Action = { input: schema, output: schema, run: (input) => input };
    await this.#resultOf(action, '{"payload":{}}', contextOf(null, () => {}, this.#limits), 16);
    const [only, ...others] = this.#handlers;
    if (only === undefined || others.length > 0) return takeFirst();
    const [name, code] = only;
    await loadNamed(code.text);
    const held = importHeld(urlOf(code), takeFirst);
    this.#modules.set(name, held.module);
    await held.passed;
  }

  async describe({ handler, converter }: Describe): Promise<void> {
    try {
      const { toJsonSchema } = await import(urlOf(converter));
      const action = await this.#load(handler);
      const schemaOf = (side: GenericSchema) => this.#printed(toJsonSchema(side, SCHEMA_OPTIONS));
      const schemas = { input: schemaOf(action.input), output: schemaOf(action.output) };
      const presentation = presentationOf(action);
      this.#say({ kind: "described", handler, ...schemas, presentation });
    } catch (error) {
      this.#say({ kind: "undescribed", handler, reason: this.#reasonOf(error) });
    }
  }

  /** Part of a JSON text would be none. */
  #printed(schema: unknown): string {
    const text = JSON.stringify(schema);
    if (text.length <= SCHEMA_LENGTH_MAX) return text;
    throw failed(
      `a JSON Schema of it has ${text.length} characters, and ${SCHEMA_LENGTH_MAX} may be`,
    );
  }

  async check({ id, handler, request }: Check): Promise<void> {
    const issue = await this.#issueOf(handler, request).catch(() => UNDECIDED);
    this.#say({ kind: "checked", id, issue });
  }

  async run(order: Run): Promise<void> {
    const { id } = order;
    let isOver = false;
    const context = contextOf(order, (line) => {
      if (!isOver) this.#say({ kind: "log", id, line }); // a later one is nobody's
    }, this.#limits);
    const outcome = await this.#outcomeOf(order, context);
    isOver = true;
    this.#say(outcome);
  }

  async #outcomeOf(order: Run, context: ActionContext): Promise<ToDaemon> {
    const { id } = order;
    try {
      const action = await this.#load(order.handler);
      const { resultLength } = this.#limits;
      const result = await this.#resultOf(action, order.request, context, resultLength);
      return { kind: "succeeded", id, result };
    } catch (error) {
      const code = Failure.is(error) ? error.code : "handler_failed";
      const [reason, publicReason] = [this.#reasonOf(error), this.#publicReasonOf(error)];
      return { kind: "failed", id, code, reason, publicReason };
    }
  }

  async #issueOf(handler: string, request: string): Promise<string | null> {
    const { input } = await this.#load(handler);
    const checked = this.#library.safeParse(input, payloadOf(request));
    return checked.success ? null : expectationOf(input, checked.issues);
  }

  /** The JSON text of what the handler returns. Throws a Failure, or what the handler throws. */
  async #resultOf(
    action: Action,
    request: string,
    context: ActionContext,
    lengthMax: number,
  ): Promise<string> {
    const { safeParse } = this.#library;
    const input = safeParse(action.input, payloadOf(request));
    if (!input.success) {
      throw failed(
        `the payload does not fit, expected ${expectationOf(action.input, input.issues)}`,
      );
    }
    const returned: unknown = await action.run(input.output, context);
    const output = safeParse(action.output, returned);
    if (!output.success) {
      throw new Failure(
        "result_invalid",
        `the result does not fit, expected ${expectationOf(action.output, output.issues)}`,
      );
    }
    const text = jsonText(output.output, lengthMax);
    if (text.ok) return text.text;
    throw new Failure("result_invalid", text.reason);
  }

  /** Imports the handler, once. Throws a Failure, or what the file throws. */
  async #load(name: string): Promise<Action> {
    const known = this.#loaded.get(name);
    if (known !== undefined) return known;
    const code = this.#handlers.get(name);
    if (code === undefined) throw failed(`the handler ${name} was never sent`);
    const module: unknown = await (this.#modules.get(name) ?? import(urlOf(code)));
    const action = typeof module === "object" && module !== null && "default" in module
      ? module.default
      : undefined;
    if (!isAction(action)) {
      throw failed(
        "the file's default export is not what defineAction({ input, output, run }) gives",
      );
    }
    this.#loaded.set(name, action);
    return action;
  }

  /** A text for whatever was thrown, which need not be an error, nor let itself be shown. */
  #reasonOf(thrown: unknown): string {
    if (Failure.is(thrown)) return thrown.reason;
    try {
      const isAlone = thrown instanceof Error && thrown.cause === undefined;
      const text = isAlone ? thrown.stack : Deno.inspect(thrown);
      if (typeof text !== "string") return "an error without a text";
      return reworded(text).slice(0, LOG_LENGTH_MAX);
    } catch {
      return "an error that cannot be shown";
    }
  }

  /** The message of a PublicError, whatever else that is; null for anything else. */
  #publicReasonOf(thrown: unknown): string | null {
    try {
      const message: unknown = PublicError.is(thrown) ? thrown.message : null;
      return typeof message === "string" ? message.slice(0, LOG_LENGTH_MAX) : null;
    } catch {
      return null;
    }
  }
}

function urlOf({ text, language }: Code): string {
  const type = language === "typescript" ? "application/typescript" : "text/javascript";
  return URL.createObjectURL(new Blob([text], { type }));
}

const BUILT_IN = /["'](node:[a-z0-9_/]+)["']/g;
const TIMER = /\bset(?:Timeout|Interval)\b/;

/**
 * Loads the parts of the runtime that a handler's text names. They are the runtime's own, and take
 * it up to 70 ms of processor the first time.
 */
async function loadNamed(text: string): Promise<void> {
  if (TIMER.test(text)) clearTimeout(setTimeout(() => {}, 0));
  const names = new Set([...text.matchAll(BUILT_IN)].map(([, name = ""]) => name));
  await Promise.allSettled([...names].map((name) => import(name))); // some are names of nothing
}

function isAction(value: unknown): value is Action {
  return typeof value === "object" && value !== null && "input" in value && isSchema(value.input) &&
    "output" in value && isSchema(value.output) && "run" in value &&
    typeof value.run === "function";
}

function isSchema(value: unknown): value is GenericSchema {
  return typeof value === "object" && value !== null && "kind" in value &&
    value.kind === "schema" && "async" in value && value.async === false;
}

function payloadOf(request: string): unknown {
  const parsed: unknown = JSON.parse(request);
  return typeof parsed === "object" && parsed !== null && "payload" in parsed
    ? parsed.payload
    : undefined;
}

function failed(reason: string): Failure {
  return new Failure("handler_failed", reason);
}
