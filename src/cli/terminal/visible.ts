/** Makes text from outside safe to look at: a person reads what is there, and nothing else. */

const { raw } = String;

/** Escaped as \uXXXX, as JSON writes it, so that JSON stays the same JSON. */
const UNSAFE = new RegExp(
  [
    // controls, formats, surrogates, private use and unassigned move the cursor, recolour, hide,
    // or, U+202E for one, reverse the text around them; Unicode ignores some by default
    raw`[\p{C}\p{Default_Ignorable_Code_Point}\u2800]`,
    // right-to-left ranges (UAX #9, DerivedBidiClass, defaults R and AL): their letters reorder
    // digits and punctuation beside them, so an amount could be read in another place than it is
    raw`[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]`,
    // every white space but the plain space
    raw`(?! )\p{Z}`,
    // combining marks that do not follow a letter, or follow two others, draw over their neighbours
    raw`(?<!\p{L}\p{M}?)\p{M}`,
  ].join("|"),
  "gu",
);

/** Makes one line: line feeds and tabs are escaped too. */
export function visible(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** Leaves only printable ASCII, for an eye that has to tell an а (Cyrillic) from an a. */
export function visibleAscii(text: string): string {
  return text.replace(/[^ -~]/gu, escaped);
}

/** Escapes each UTF-16 code unit, which is how JSON spells what is outside the basic plane. */
function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, i) => {
    return `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }).join("");
}
