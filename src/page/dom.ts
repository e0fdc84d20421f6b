/**
 * Elements by hand. Text from outside only ever becomes a text node: no file of the page parses
 * HTML, and the policy that it is served under (Trusted Types) would refuse to.
 */

type Child = Node | string | null | false;
type Handler = (event: Event) => void;
export type Attributes = Readonly<Record<string, string | boolean | Handler>>;

/**
 * Makes an element. A function is a listener of the event it is named for; true is an attribute
 * without a value; null and false are left out.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  // one at a time: a call takes no more arguments than fit its stack
  for (const child of children) if (child !== null && child !== false) made.append(child);
  return made;
}

/** Returns the element of index.html with this id. Throws an Error if the page is another one. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element #${id}`);
  return found;
}

/** A list of terms and what they are; a value of null leaves the term out. */
export function facts(rows: readonly (readonly [string, Child])[]): HTMLElement {
  const shown = rows.filter(([, value]) => value !== null && value !== false);
  return element(
    "dl",
    { class: "facts" },
    ...shown.flatMap(([term, value]) => [
      element("dt", {}, term),
      element("dd", {}, value),
    ]),
  );
}

/** Says something to a screen reader. */
export function announce(text: string): void {
  byId("announce").textContent = text;
}

/** Shows a message above everything, until the next one; null takes it away. */
export function alarm(message: string | null): void {
  const place = byId("alert");
  place.hidden = message === null;
  place.replaceChildren(...(message === null ? [] : [element("p", {}, message)]));
}
