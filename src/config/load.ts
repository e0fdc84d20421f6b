/**
 * From the command line, the environment and one file to a checked configuration.
 *
 * It takes two steps, because the first happens before the daemon knows what it may read:
 * `loadConfig` reads the configuration file and nothing else; `checkPaths` then follows the
 * symbolic links of the paths that the file names.
 */

import { resolve } from "node:path";
import * as v from "valibot";
import { utf8Decode } from "../core/bytes.ts";
import { checkConfig } from "./checks.ts";
import type { Config } from "./config.ts";
import { ConfigError, type ConfigProblem, type KeyPath } from "./config_error.ts";
import { developmentApprover, type DevelopmentKey, SYSTEM_CONFIG } from "./defaults.ts";
import type { Environment } from "./environment.ts";
import { checkOverlaps, type RealPath } from "./overlaps.ts";
import { type Overrides, resolveSettings } from "./resolve.ts";
import { type Settings, settingsSchema } from "./schema.ts";
import { keyText, parseDocument, type TomlDocument, UnsupportedValue } from "./toml.ts";

export interface LoadRequest {
  /** --config */
  readonly config: string | null;
  readonly overrides: Overrides;
  readonly environment: Environment;
  /** Absolute; relative options and variables are taken from it. */
  readonly cwd: string;
  /** Returns undefined for a file that is not there. `readConfigFile`, outside of tests. */
  readonly read: (path: string) => Uint8Array | undefined;
  /**
   * Returns the key of the embedded default's approver from its file. `serve` makes one where it is
   * missing, other commands return null. Called only when no configuration file is found.
   */
  readonly developmentKey: (file: string) => DevelopmentKey | null;
}

export interface LoadedConfig {
  readonly config: Config;
  /** In file order: settings that do not keep the daemon from starting but are hardly meant. */
  readonly warnings: readonly ConfigProblem[];
  /** Gives a problem at a key its file and line. */
  problemAt(where: KeyPath | string, message: string): ConfigProblem;
}

/** Throws a ConfigError with every problem that was found. */
export function loadConfig(request: LoadRequest): LoadedConfig {
  const named = request.config ?? request.environment.config;
  const file = resolve(request.cwd, named ?? SYSTEM_CONFIG);
  const bytes = request.read(file);
  if (bytes !== undefined) return loadFile(request, file, bytes);
  if (named === null) return loadEmbedded(request);
  throw new ConfigError([{ source: file, line: null, key: "", message: "no such file" }]);
}

/**
 * Loads the configuration of a running daemon anew. `startedFrom` is the file it was read from at
 * the start, null for the embedded default.
 *
 * Throws a ConfigError also where that file is gone, and where there is one now that was not there:
 * only a restart changes where approvers are read from.
 */
export function loadConfigAgain(request: LoadRequest, startedFrom: string | null): LoadedConfig {
  if (startedFrom !== null) return loadConfig({ ...request, config: startedFrom });
  if (request.read(SYSTEM_CONFIG) === undefined) return loadEmbedded(request);
  const message = "it was not there at the start, and waits for a restart";
  throw new ConfigError([{ source: SYSTEM_CONFIG, line: null, key: "", message }]);
}

/**
 * Throws a ConfigError for permissions and an anchor that are where they must not be. `program` is
 * the folder of openexec's own files.
 */
export function checkPaths(loaded: LoadedConfig, program: string, realPath: RealPath): void {
  const problems: ConfigProblem[] = [];
  checkOverlaps(loaded.config, program, realPath, (where, message) => {
    problems.push(loaded.problemAt(where, message));
  });
  if (problems.length > 0) throw new ConfigError(problems);
}

function loadFile(request: LoadRequest, file: string, bytes: Uint8Array): LoadedConfig {
  const text = utf8Decode(bytes);
  if (text === undefined) {
    throw new ConfigError([{ source: file, line: null, key: "", message: "not UTF-8" }]);
  }
  const document = parseDocument(file, text);
  return finish(request, file, settingsOf(file, document), document);
}

function loadEmbedded(request: LoadRequest): LoadedConfig {
  const loaded = finish(request, null, v.parse(settingsSchema, {}), null);
  const { developmentApprover: keyFile } = loaded.config;
  const key = keyFile === null ? null : request.developmentKey(keyFile);
  if (key === null) return loaded;
  return { ...loaded, config: { ...loaded.config, approvers: [developmentApprover(key)] } };
}

function settingsOf(file: string, document: TomlDocument): Settings {
  const result = v.safeParse(settingsSchema, document.value);
  if (result.success) return result.output;
  throw new ConfigError(result.issues.map((issue) => {
    const path = issuePath(issue);
    return {
      source: file,
      line: document.lineOf(path),
      key: keyText(path),
      message: issueText(issue),
    };
  }));
}

function finish(
  request: LoadRequest,
  file: string | null,
  settings: Settings,
  document: TomlDocument | null,
): LoadedConfig {
  const problemAt = (where: KeyPath | string, message: string): ConfigProblem =>
    typeof where === "string" ? { source: where, line: null, key: "", message } : {
      source: file ?? "the embedded default",
      line: document?.lineOf(where) ?? null,
      key: keyText(where),
      message,
    };
  const problems: ConfigProblem[] = [];
  const warnings: ConfigProblem[] = [];
  const { environment, overrides, cwd } = request;
  const refuse = (where: KeyPath | string, message: string) => {
    problems.push(problemAt(where, message));
  };
  const config = resolveSettings(settings, { file, environment, overrides, cwd }, refuse);
  // a script's unset variable would make the working directory the state directory
  if (overrides.state === "") refuse("--state", "expected a path, got nothing");
  if (overrides.socket === "") refuse("--socket", "expected a path, got nothing");
  checkConfig(config, refuse, (where, message) => warnings.push(problemAt(where, message)));
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    config,
    warnings: warnings.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)),
    problemAt,
  };
}

function issuePath(issue: v.BaseIssue<unknown>): KeyPath {
  return (issue.path ?? []).map(({ key }) => typeof key === "number" ? key : String(key));
}

/** Says `expected X, got Y` in the words of fields.ts, or that a key is unknown or missing. */
function issueText(issue: v.BaseIssue<unknown>): string {
  const ownWords = issue.type === "never" || issue.type === "object_with_rest";
  return ownWords ? issue.message : `expected ${issue.message}, got ${kindOf(issue.input)}`;
}

const SHOWN_LENGTH_MAX = 60;

function kindOf(value: unknown): string {
  if (value instanceof UnsupportedValue) return `a ${value.type}`;
  if (value instanceof Date) return "a date and time";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return "a table";
  const shown = JSON.stringify(value);
  return shown.length > SHOWN_LENGTH_MAX ? `${shown.slice(0, SHOWN_LENGTH_MAX)}...` : shown;
}
