import { expect, test } from "vitest";
import { unknownIn } from "../../scripts/spelling.ts";

test("a word that is misspelled in a comment or a document is found with its line", () => {
  const source = `const recieve = 1;\n/** Recieves a receipt. */\nf(); /${"/"} whith \`teh\` key\n`;
  expect(unknownIn("a.ts", source)).toEqual(["2: Recieves", "3: whith"]);
  const document = "# Documnet\n\n```sh\ncat teh\n```\n\nSee [it](teh.md), `teh`, --teh, tehIs.\n";
  expect(unknownIn("a.md", document)).toEqual(["1: Documnet"]);
});
