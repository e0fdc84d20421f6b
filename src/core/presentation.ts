/** How an action and its permissions are shown to people and models. Nothing is decided by it. */

import { anyOf, members, oneOf, string, type TypeOf, where } from "./shape.ts";
import type { JsonObject } from "./types.ts";

/** Lengths of texts in UTF-16 units. */
export const TITLE_LENGTH_MAX = 100;
export const DESCRIPTION_LENGTH_MAX = 2000;

const orNull = anyOf(oneOf(null, true, false));

/** The members as `GET /actions` shows them; null where nobody said. */
export const isPresentation = members({
  title: anyOf(oneOf(null), where(string, ({ length }) => length <= TITLE_LENGTH_MAX)),
  description: anyOf(oneOf(null), where(string, ({ length }) => length <= DESCRIPTION_LENGTH_MAX)),
  /** It changes nothing. */
  read_only: orNull,
  /** It may destroy or overwrite. */
  destructive: orNull,
  /** It reaches things outside of this host's control. */
  open_world: orNull,
});

export type Presentation = TypeOf<typeof isPresentation>;

export const UNSAID: Presentation = {
  title: null,
  description: null,
  read_only: null,
  destructive: null,
  open_world: null,
};

/** Reads what `said` has of these members. Throws a TypeError for a wrong one. */
export function presentationOf(said: Partial<Record<keyof Presentation, unknown>>): Presentation {
  const { title, description, read_only, destructive, open_world } = said;
  const known = Object.entries({ title, description, read_only, destructive, open_world })
    .map(([name, value]) => [name, value ?? null]);
  const presentation: unknown = Object.fromEntries(known);
  if (isPresentation(presentation)) return presentation;
  throw new TypeError(
    `title and description must be texts of at most ${TITLE_LENGTH_MAX} and ` +
      `${DESCRIPTION_LENGTH_MAX} characters, and read_only, destructive and open_world booleans`,
  );
}

/** Returns what `first` says, and what `second` says where `first` is silent. */
export function presentedBy(first: Presentation, second: Presentation): Presentation {
  return {
    title: first.title ?? second.title,
    description: first.description ?? second.description,
    read_only: first.read_only ?? second.read_only,
    destructive: first.destructive ?? second.destructive,
    open_world: first.open_world ?? second.open_world,
  };
}

/** Makes one line, such as "net api.example.com:443; write /srv/notes", or "nothing". */
export function permissionsText(permissions: JsonObject): string {
  const granted = Object.entries(permissions).flatMap(([kind, value]) => {
    const list = Array.isArray(value) ? value.map(String) : value === true ? ["anything"] : [];
    return list.length === 0 ? [] : [`${kind} ${list.join(", ")}`];
  });
  return granted.length === 0 ? "nothing" : granted.join("; ");
}
