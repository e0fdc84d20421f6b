/**
 * Text from outside made safe to look at: what a person reads on the terminal is what is there.
 *
 * Escaped as \uXXXX, as JSON writes it (so JSON stays the same JSON):
 * - controls, formats, surrogates, private use and unassigned (Unicode general category C): they move the cursor, recolour,
 *   hide, or, U+202E for one, reverse the text around them;
 * - every white space but the plain space, and what Unicode ignores by default (zero width, fillers, variation selectors);
 * - the right-to-left ranges of UAX #9 (DerivedBidiClass, defaults R and AL): their letters reorder digits and punctuation
 *   beside them, so an amount could be read in another place than it is;
 * - combining marks that do not follow a letter, or follow two others: they draw over their neighbours.
 */

const UNSAFE =
  /[\p{C}\p{Default_Ignorable_Code_Point}\u2800\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]|(?! )\p{Z}|(?<!\p{L}\p{M}?)\p{M}/gu;

/** One line: also line feeds and tabs are escaped. */
export function visible(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** Only printable ASCII: for whoever has to tell an а (Cyrillic) from an a. */
export function visibleAscii(text: string): string {
  return text.replace(/[^ -~]/gu, escaped);
}

/** The escape of each UTF-16 code unit, which is how JSON spells what is outside the basic plane. */
function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, i) => {
    return `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }).join("");
}
