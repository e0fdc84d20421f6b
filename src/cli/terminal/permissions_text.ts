/** Says what a handler may reach, for people. */

import type { JsonObject } from "../../core/types.ts";

/** Makes one line, such as "net api.example.com:443; write /srv/notes", or "nothing". */
export function permissionsText(permissions: JsonObject): string {
  const granted = Object.entries(permissions).filter(([, list]) =>
    Array.isArray(list) && list.length > 0
  );
  return granted.length === 0
    ? "nothing"
    : granted.map(([kind, list]) => `${kind} ${String(list)}`).join("; ");
}
