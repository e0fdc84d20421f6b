/** Text as Unicode sees it, where JavaScript sees UTF-16 code units. */

const NONCHARACTER = /\p{Noncharacter_Code_Point}/u;

/** No surrogate without its other half, so that UTF-8 can carry it. */
export function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}

/** Well-formed and without noncharacters: what I-JSON admits in a string (RFC 7493 section 2.1). */
export function isInterchangeable(text: string): boolean {
  return text.isWellFormed() && !NONCHARACTER.test(text);
}

/** Order by code point, as Python sorts; UTF-16 order puts U+10000 and up before U+E000 to U+FFFF. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Lifts surrogates above every other code unit; two surrogates keep their order. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
