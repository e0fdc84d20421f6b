/**
 * A drop-in for the shipped unit (systemd/openexec.service): what it has to leave open so that
 * actions can use their permissions. A path that is missing keeps no daemon from starting ("-").
 */

import { dirname } from "node:path";
import type { Config } from "../../config/config.ts";

/** Folders that the unit's ProtectHome= hides. */
const HOMES = /^\/(home|root|run\/user)(\/|$)/;
/** The unit lets these be executed. */
const EXECUTABLE = /^\/(usr|bin|sbin|lib|lib64)\//;
/** Folders that the unit has of its own. */
const OWN = /^\/(tmp|var\/tmp|dev)(\/|$)/;

/** Returns the text of the file, without its last line feed. */
export function dropInFor({ path, actions, anchor, checkpoints }: Config): string {
  const allowed = [...actions.values()].map(({ allow }) => allow);
  const kept = [anchor, checkpoints.file].filter((file) => file !== null).map((file) =>
    dirname(file)
  );
  const written = unique([...allowed.flatMap(({ write }) => write), ...kept]);
  const run = unique(allowed.flatMap(({ run }) => run));
  const seen = unique([...allowed.flatMap(({ read, unix }) => [...read, ...unix]), ...run])
    .filter((file) => !written.includes(file));
  const atHome = (paths: readonly string[]) => paths.filter((file) => HOMES.test(file));
  const settings = [
    ...setting("ReadWritePaths", written.filter((file) => !HOMES.test(file))),
    ...setting("ExecPaths", run.filter((file) => !EXECUTABLE.test(file))),
    ...(atHome([...written, ...seen]).length > 0 ? ["ProtectHome=tmpfs"] : []),
    ...setting("BindPaths", atHome(written)),
    ...setting("BindReadOnlyPaths", atHome(seen)),
  ];
  const remarks = [
    ...[...written, ...seen].filter((file) => OWN.test(file)).map((file) =>
      `# ${file} is hidden: the unit has /tmp, /var/tmp and /dev of its own.`
    ),
    ...(allowed.some(({ net }) => net.length > 0)
      ? ["# Actions may connect to hosts: see network.conf.example, and name their networks."]
      : []),
  ];
  return [
    `# What ${path ?? "the embedded configuration"} permits to actions, for openexec.service.`,
    ...remarks,
    "[Service]",
    ...settings,
  ].join("\n");
}

function setting(name: string, paths: readonly string[]): string[] {
  return paths.map((path) => `${name}=${quoted(`-${path}`)}`);
}

/** systemd.syntax(7) and systemd.unit(5): quotes and escapes, and specifiers. */
function quoted(text: string): string {
  const escaped = text.replaceAll("%", "%%");
  if (/^[\w./:@%+=,-]+$/.test(escaped)) return escaped;
  return `"${
    escaped.replaceAll(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t")
  }"`;
}

function unique(paths: readonly string[]): string[] {
  return [...new Set(paths)].sort();
}
