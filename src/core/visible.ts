/**
 * Makes text from outside safe to look at, on a terminal and on a page: a person reads what is
 * there, and nothing else.
 *
 * Invariant: what is not shown as itself is shown as \uXXXX, as JSON spells it. So JSON stays the
 * same JSON.
 */

const { raw } = String;

/** Characters that no terminal or page may get from outside. */
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

/** Characters that look like one of ASCII, wherever they stand. */
const LOOKALIKE = new RegExp(
  [
    // digits of other scripts, and letters of phonetic alphabets
    raw`(?![0-9])\p{Nd}|[ıȷſǀ-ǃƅƖ\u0250-\u02ff\u1d00-\u1dbf℮ꜱ⍳⍴⍵⍺]`,
    // dashes, quotation marks, commas, slashes, bars, colons, brackets
    raw`[\u2010-\u2013\u2043\u2212\u201a\u201c-\u201f\u2033\u2036\u3003]`,
    raw`[\u2044\u2215\u2216\u2217\u2223\u2236\u223c\u204e\u2768-\u2775\u29f5\u29f8\u29f9\ua789]`,
    raw`[\u0589\u205a\u23af\u23d0\u27cb\u27cd\u2758\u3007\u30ce]`,
    // lines of boxes could pass for a frame of ours
    raw`[\u2500-\u259f]`,
  ].join("|"),
  "u",
);

/** Letters of scripts that no one takes for Latin. */
const DISTINCT = /[\p{sc=Latn}\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Thai}]/u;

/** Letters that look like Latin ones (UTS #39), for words that consist of nothing else. */
const TWINS = new Set(
  "АВЕЅІЈКМНОРСТУХЬаеѕіјорсухһԁԛԝӏѵԌꓲ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαιγνορυκ" + "ՕՍԼհոսցօզ",
);
const TWIN_SCRIPT = /[\p{sc=Cans}\p{sc=Cher}\p{sc=Copt}\p{sc=Lisu}]/u;

/** Makes one line: line feeds and tabs are escaped too. */
export function visible(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/**
 * Does the same, and also escapes what could be misread: letters, digits and marks that look like
 * those of ASCII, and plain spaces that stand beside each other.
 */
export function marked(text: string): string {
  return visible(text)
    .replace(/[\p{L}\p{M}\p{N}]+/gu, markedWord)
    .replace(/[^\0-\x7f]/gu, (character) => isLookalike(character) ? escaped(character) : character)
    .replace(/ {2,}/g, escaped);
}

/** Leaves only printable ASCII, for an eye that has to tell an а (Cyrillic) from an a. */
export function visibleAscii(text: string): string {
  return text.replace(/[^ -~]/gu, escaped);
}

/** Escapes the other script's letters in a word that mixes scripts, and a word of twins whole. */
function markedWord(word: string): string {
  const letters = [...word].filter((character) => /\p{L}/u.test(character));
  const isOfTwins = letters.every((letter) => TWINS.has(letter) || TWIN_SCRIPT.test(letter));
  if (!isOfTwins && !/[A-Za-z]/.test(word)) return word;
  return word.replace(/\p{L}/gu, (letter) => DISTINCT.test(letter) ? letter : escaped(letter));
}

/** Compatibility forms of one ASCII character are its lookalikes too: full width, mathematical. */
function isLookalike(character: string): boolean {
  return LOOKALIKE.test(character) || /^[ -~]$/.test(character.normalize("NFKC"));
}

/** Escapes each UTF-16 code unit, which is how JSON spells what is outside the basic plane. */
function escaped(text: string): string {
  return Array.from({ length: text.length }, (_, i) => {
    return `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }).join("");
}
