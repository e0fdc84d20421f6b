/**
 * The harness: what runs in a worker around a handler. It imports the handler, checks what goes in and what comes out, and
 * reports to the executor's main thread over a port of its own.
 *
 * A handler shares this realm and may have changed every object in it by the time it returns. Therefore everything used after
 * the first import of a handler was taken from the realm before it (`call(method, self, [...])`), nothing iterates, and the
 * port is no argument of anything that a handler could have replaced. Where a worker is used again, an earlier run can change
 * what a later one does: they are the same code in the same realm.
 *
 * This file is loaded from its text, like a handler, so it imports what a handler may, and nothing of ours but types.
 */

import "openexec"; // here for handlers: what they import is loaded before there is a request
import { type GenericSchema, safeParse, strictObject } from "valibot";
import type { Action, ActionContext } from "../../actions/define.ts";
import type { Begin, End, FromWorker, ToWorker } from "./messages.ts";

const call = Reflect.apply;
const { get } = Reflect;
const { parse, stringify } = JSON;
const { assign, create, getPrototypeOf, keys } = Object;
const { isArray } = Array;
const { isFinite, isInteger, isSafeInteger } = Number;
const { isWellFormed, slice } = String.prototype;
const { toExponential } = Number.prototype;
const { postMessage } = MessagePort.prototype;
const { abort } = AbortController.prototype;
const SCHEMA_OPTIONS = { target: "draft-2020-12", errorMode: "throw" };
const PlainObject = Object.prototype;
const { inspect } = Deno;
const close = self.close;
const setTimer = setTimeout;
const clearTimer = clearTimeout;
const Controller = AbortController;
const Abort = DOMException;

let begin: Begin;
let runsLeft = 0;

/** Says it over the port, whatever became of MessagePort meanwhile. */
function report(message: FromWorker): void {
  call(postMessage, begin.port, [message]);
}

/** Ends this worker in the middle of this statement: no later line, microtask or timer of anyone runs in it. */
function leave(): void {
  call(close, self, []);
}

addEventListener("message", (event) => {
  if (event instanceof MessageEvent) void start(event.data);
}, { once: true });

async function start(order: Begin): Promise<void> {
  begin = order;
  runsLeft = begin.runsMax;
  begin.port.onmessage = (event: MessageEvent<ToWorker>) => obey(event.data);
  await warmUp();
  if (begin.awaited !== null) await compile(begin.awaited);
  report({ kind: "open" });
}

function obey(order: ToWorker): void {
  if (order.kind === "run") void run(order, conclude);
  else void describe(order);
}

/** Tells how the run ended, and ends this worker with its last one. */
function conclude(end: End): void {
  const last = !begin.shared && (--runsLeft <= 0 || end.kind !== "succeeded");
  report({ ...end, last });
  if (last) leave();
}

// --- before there is a request ---------------------------------------------------------------------------------------

/** Runs an action of our own and tells nobody: the runtime compiles a function when it is first called. */
async function warmUp(): Promise<void> {
  const schema = strictObject({});
  loaded[""] = { input: schema, output: schema, run: (input) => input };
  const request = '{"payload":{}}';
  const order = {
    url: "",
    id: "",
    request,
    idempotencyKey: "",
    traceparent: null,
    secrets: {},
    abortAfterMs: 60_000,
  };
  await run({ kind: "run", ...order }, () => {});
}

/**
 * Has the runtime fetch and compile a handler, and run nothing of it: it is imported beside a name that nobody exports, and
 * modules that cannot be linked are not evaluated (ECMA-262, section 16.2.1.6). Whatever else is wrong with it is told when
 * it is run.
 */
async function compile(url: string): Promise<void> {
  const unlinkable = `import ${stringify(url)}; import { nothing } from "data:text/javascript,";`;
  await import(`data:text/javascript,${encodeURIComponent(unlinkable)}`).catch(() => {});
}

// --- running ---------------------------------------------------------------------------------------------------------

type RunOrder = Extract<ToWorker, { kind: "run" }>;

/** Throws inside this file only: carries the code and reason of a run that did not succeed. */
class Failure {
  readonly #mark = true;
  readonly code: "handler_failed" | "result_invalid";
  readonly reason: string;
  constructor(code: Failure["code"], reason: string) {
    this.code = code;
    this.reason = reason;
  }

  /** Asks nothing of the value itself, which may be anything that a handler threw. */
  static is(value: unknown): value is Failure {
    return typeof value === "object" && value !== null && #mark in value;
  }
}

async function run(order: RunOrder, conclude: (end: End) => void): Promise<void> {
  const { id, idempotencyKey, secrets, traceparent } = order;
  const controller = new Controller();
  const timer = setTimer(() => {
    call(abort, controller, [new Abort("The time limit is near", "TimeoutError")]);
  }, order.abortAfterMs);
  const log = logOf(id);
  captureConsole(log);
  const { signal } = controller;
  const context = { idempotencyKey, executionId: id, secrets, traceparent, signal, log };
  try {
    conclude({ kind: "succeeded", id, result: await resultOf(order, context) });
  } catch (error) {
    const failure = Failure.is(error) ? error : new Failure("handler_failed", explain(error));
    conclude({ kind: "failed", id, code: failure.code, reason: failure.reason });
  } finally {
    clearTimer(timer);
  }
}

async function resultOf(order: RunOrder, context: ActionContext): Promise<string> {
  const action = await load(order.url);
  const request: unknown = parse(order.request);
  const payload = typeof request === "object" && request !== null && "payload" in request
    ? request.payload
    : undefined;
  const input = safeParse(action.input, payload);
  if (!input.success) {
    throw new Failure(
      "handler_failed",
      `the payload does not fit the schema: ${issue(input.issues)}`,
    );
  }
  const returned = await call(action.run, action, [input.output, context]);
  const output = safeParse(action.output, returned);
  if (!output.success) {
    throw new Failure(
      "result_invalid",
      `the result does not fit the schema: ${issue(output.issues)}`,
    );
  }
  return jsonOf(output.output, begin.nestingDepth);
}

function issue(
  issues: readonly { readonly type: string; readonly expected: string | null }[],
): string {
  // never what was received: that is payload, and this text goes to a log
  return `${issues[0]?.type ?? "schema"} expected ${issues[0]?.expected ?? "something else"}`;
}

/** A text for whatever was thrown, which need not be an error, nor let itself be shown. */
function explain(thrown: unknown): string {
  try {
    const text = thrown instanceof Error ? thrown.stack : inspect(thrown);
    return typeof text === "string"
      ? call(slice, text, [0, begin.logLength])
      : "an error without a text";
  } catch {
    return "an error that cannot be shown";
  }
}

// --- loading ---------------------------------------------------------------------------------------------------------

/** By URL: to import a module that is there already still takes a turn of the runtime. */
const loaded: Record<string, Action> = create(null);

async function load(url: string): Promise<Action> {
  const known = loaded[url];
  if (known !== undefined) return known;
  const module: unknown = await import(url);
  const action = typeof module === "object" && module !== null && "default" in module
    ? module.default
    : undefined;
  if (isAction(action)) return loaded[url] = action;
  throw new Failure(
    "handler_failed",
    "the file's default export is not what defineAction({ input, output, run }) gives",
  );
}

function isAction(value: unknown): value is Action {
  return typeof value === "object" && value !== null && "input" in value && isSchema(value.input) &&
    "output" in value && isSchema(value.output) && "run" in value &&
    typeof value.run === "function";
}

function isSchema(value: unknown): value is GenericSchema {
  return typeof value === "object" && value !== null && "kind" in value &&
    value.kind === "schema" &&
    "async" in value && value.async === false;
}

/** Runs nothing of the handlers but what stands at the top of their files. */
async function describe(
  { handlers, converter }: Extract<ToWorker, { kind: "describe" }>,
): Promise<void> {
  for (let i = 0; i < handlers.length; i++) {
    const { handler, url } = handlers[i] ?? { handler: "", url: "" };
    try {
      const { toJsonSchema } = await import(converter);
      const action = await load(url);
      const schemaOf = (side: unknown) =>
        jsonOf(toJsonSchema(side, SCHEMA_OPTIONS), begin.nestingDepth);
      report({
        kind: "described",
        handler,
        input: schemaOf(action.input),
        output: schemaOf(action.output),
      });
    } catch (error) {
      report({
        kind: "undescribed",
        handler,
        reason: Failure.is(error) ? error.reason : explain(error),
      });
    }
  }
  leave();
}

// --- results as JSON -------------------------------------------------------------------------------------------------

/**
 * The JSON text of a value, by nothing that the value brings along: no toJSON, no prototype but Object's, no symbol.
 * Members that are undefined are left out. Throws a Failure for what JSON cannot say or what is too long or too deep.
 */
function jsonOf(value: unknown, depth: number): string {
  if (typeof value === "string") return jsonString(value);
  if (typeof value === "number") return jsonNumber(value);
  if (typeof value === "boolean") return value ? "true" : "false";
  if (value === null) return "null";
  if (typeof value !== "object") {
    throw new Failure("result_invalid", `the result holds a ${typeof value}`);
  }
  if (depth <= 0) {
    throw new Failure("result_invalid", "the result nests too deeply, or holds itself");
  }
  if (isArray(value)) return jsonArray(value, depth - 1);
  const prototype: unknown = getPrototypeOf(value);
  if (prototype === PlainObject || prototype === null) return jsonObject(value, depth - 1);
  throw new Failure("result_invalid", "the result holds an object that is not a plain one");
}

function jsonArray(items: readonly unknown[], depth: number): string {
  let text = "";
  for (let i = 0; i < items.length; i++) {
    text += (i === 0 ? "" : ",") + jsonOf(items[i], depth);
    checkLength(text);
  }
  return `[${text}]`;
}

function jsonObject(members: object, depth: number): string {
  const names = keys(members);
  let text = "";
  for (let i = 0; i < names.length; i++) {
    const name = names[i] ?? "";
    const value: unknown = get(members, name);
    if (value === undefined) continue;
    text += (text === "" ? "" : ",") + jsonString(name) + ":" + jsonOf(value, depth);
    checkLength(text);
  }
  return `{${text}}`;
}

function jsonString(text: string): string {
  if (!call(isWellFormed, text, [])) {
    throw new Failure("result_invalid", "the result holds a lone surrogate");
  }
  checkLength(text);
  return stringify(text);
}

/** Integers past 2^53 are written as the doubles they are, because readers of I-JSON refuse their digits. */
function jsonNumber(number: number): string {
  if (!isFinite(number)) throw new Failure("result_invalid", "the result holds NaN or an infinity");
  return isInteger(number) && !isSafeInteger(number)
    ? call(toExponential, number, [])
    : `${number}`;
}

function checkLength(text: string): void {
  if (text.length > begin.resultLength) {
    throw new Failure("result_invalid", "the result is too large");
  }
}

// --- log lines -------------------------------------------------------------------------------------------------------

function logOf(id: string): ActionContext["log"] {
  let lines = 0;
  return (message, fields) => {
    if (lines > begin.logLines) return;
    const line = lines++ === begin.logLines
      ? "(further lines were dropped)"
      : `${message}${fields === undefined ? "" : ` ${inspect(fields)}`}`;
    report({ kind: "log", id, line: call(slice, line, [0, begin.logLength]) });
  };
}

/** What a handler prints becomes lines of its log: the process's own output leads nowhere. */
function captureConsole(log: ActionContext["log"]): void {
  const print = (first: unknown, ...rest: unknown[]) =>
    log(typeof first === "string" && rest.length === 0 ? first : inspect([first, ...rest]));
  assign(globalThis.console, { debug: print, log: print, info: print, warn: print, error: print });
}
