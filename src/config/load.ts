/**
 * From the command line, the environment and one file to a checked configuration.
 *
 * Two steps, because the first has to happen before the daemon knows what it may read: `loadConfig` reads the configuration
 * file and nothing else; `checkPaths` then follows the symbolic links of the paths that the file names.
 */

import * as v from "valibot";
import { utf8Decode } from "../core/encoding.ts";
import { resolvePath } from "../core/path.ts";
import { checkConfig } from "./checks.ts";
import type { Config } from "./config.ts";
import { ConfigError, type ConfigProblem } from "./config_error.ts";
import { developmentApprover, type DevelopmentKey, SYSTEM_CONFIG } from "./defaults.ts";
import { type Document, keyText, parseDocument, type Path } from "./toml.ts";
import type { Environment } from "./environment.ts";
import { issuePath, issueText } from "./issue.ts";
import { checkOverlaps, type RealPath } from "./overlaps.ts";
import { type Overrides, resolveSettings } from "./resolve.ts";
import { type Settings, settingsSchema } from "./schema.ts";

export interface LoadRequest {
  /** --config */
  readonly config: string | null;
  readonly overrides: Overrides;
  readonly environment: Environment;
  /** Absolute; relative options and variables are taken from it. */
  readonly cwd: string;
  /** The file's bytes, or undefined when there is none. Throws a ConfigError when it cannot be read. */
  readonly read: (path: string) => Uint8Array | undefined;
  /**
   * The key of the embedded default's approver, whose file is given: `serve` makes it where it is missing, other commands
   * answer null then. Asked only when no configuration file is found.
   */
  readonly developmentKey: (file: string) => DevelopmentKey | null;
}

export interface LoadedConfig {
  readonly config: Config;
  /** In file order: what starts, but is unlikely to be meant. */
  readonly warnings: readonly ConfigProblem[];
  /** What is wrong with a key, with its file and line. */
  problemAt(path: Path, message: string): ConfigProblem;
}

/** Throws a ConfigError with every problem that was found. */
export function loadConfig(request: LoadRequest): LoadedConfig {
  const named = request.config ?? request.environment.config;
  const file = resolvePath(request.cwd, named ?? SYSTEM_CONFIG);
  const bytes = request.read(file);
  if (bytes !== undefined) return loadFile(request, file, bytes);
  if (named === null) return loadEmbedded(request);
  throw new ConfigError([{ source: file, line: null, key: "", message: "no such file" }]);
}

/**
 * The configuration of a daemon that runs, as it is now; `startedFrom` is the file it was read from at the start, null for the
 * embedded default. Throws a ConfigError also where that file is gone, and where there is one now that was not there: only a
 * restart changes where approvers are read from.
 */
export function loadConfigAgain(request: LoadRequest, startedFrom: string | null): LoadedConfig {
  if (startedFrom !== null) return loadConfig({ ...request, config: startedFrom });
  if (request.read(SYSTEM_CONFIG) === undefined) return loadEmbedded(request);
  const message = "it was not there at the start, and waits for a restart";
  throw new ConfigError([{ source: SYSTEM_CONFIG, line: null, key: "", message }]);
}

/** Throws a ConfigError for grants and an anchor that are where they must not be; `program` is openexec's own folder. */
export function checkPaths(loaded: LoadedConfig, program: string, realPath: RealPath): void {
  const problems: ConfigProblem[] = [];
  checkOverlaps(loaded.config, program, realPath, (path, message) => {
    problems.push(loaded.problemAt(path, message));
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

function settingsOf(file: string, document: Document): Settings {
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
  document: Document | null,
): LoadedConfig {
  const problemAt = (path: Path, message: string): ConfigProblem => ({
    source: file ?? "the embedded default",
    line: document?.lineOf(path) ?? null,
    key: keyText(path),
    message,
  });
  const problems: ConfigProblem[] = [];
  const warnings: ConfigProblem[] = [];
  const { environment, overrides, cwd } = request;
  const config = resolveSettings(
    settings,
    { file, environment, overrides, cwd },
    (where, message) => {
      problems.push(
        typeof where === "string"
          ? { source: where, line: null, key: "", message }
          : problemAt(where, message),
      );
    },
  );
  // of a script whose variable was never set: the working directory would become the state directory
  for (
    const [flag, path] of [["--state", overrides.state], ["--socket", overrides.socket]] as const
  ) {
    if (path === "") {
      problems.push({ source: flag, line: null, key: "", message: "expected a path, got nothing" });
    }
  }
  checkConfig(
    config,
    (path, message) => problems.push(problemAt(path, message)),
    (path, message) => warnings.push(problemAt(path, message)),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    config,
    warnings: warnings.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)),
    problemAt,
  };
}
