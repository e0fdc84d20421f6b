/** Says what a handler may reach, for people. */

import type { JsonObject } from "./types.ts";

/** Makes one line, such as "net api.example.com:443; write /srv/notes", or "nothing". */
export function permissionsText(permissions: JsonObject): string {
  const granted = Object.entries(permissions).flatMap(([kind, value]) => {
    const list = Array.isArray(value) ? value.map(String) : value === true ? ["anything"] : [];
    return list.length === 0 ? [] : [`${kind} ${list.join(", ")}`];
  });
  return granted.length === 0 ? "nothing" : granted.join("; ");
}
