/**
 * ES modules as one: a browser asks for them once and not one by one, and an executor's runtime
 * loads one.
 *
 * Each becomes a function that is called where it stands, and returns what it exports. That is the
 * same for modules that stand behind those they import, and export nothing that changes later. The
 * forms of import and export are those that our own files and their packages use. Another one is
 * left as it is, which is a syntax error inside of a function.
 */

const IMPORT = /^import (?:\* as (\w+)|(\{[^}]*\})) from "([^"]+)";$/gm;
const DECLARATION = /^export ((?:async )?function\*?|class|const) (\w+)/gm;
const LIST = /^export \{([^}]*)\}(?: from "([^"]+)")?;$/gm;

/**
 * Returns the text of all `modules`, file to text, each behind those it imports. `resolve` returns
 * the file that a specifier means in another, or the name of a variable that holds what it means.
 */
export function joined(
  modules: ReadonlyMap<string, string>,
  resolve: (specifier: string, importer: string) => string,
): string {
  const names = new Map([...modules.keys()].map((file, at) => [file, `module${at}`]));
  const functions = [...modules].map(([file, text]) => {
    const value = valueOf(text, (specifier) => {
      const found = resolve(specifier, file);
      return names.get(found) ?? found;
    });
    return `const ${names.get(file)} = ${value};\n`;
  });
  return functions.join("");
}

/** Returns an expression whose value holds what the module exports. */
function valueOf(text: string, nameOf: (specifier: string) => string): string {
  const members: string[] = [];
  const body = text
    .replace(LIST, (_, list: string, specifier?: string) => {
      for (const [, name, as = name] of list.matchAll(/(\w+)(?: as (\w+))?/g)) {
        members.push(`${as}: ${specifier === undefined ? "" : `${nameOf(specifier)}.`}${name}`);
      }
      return "";
    })
    .replace(DECLARATION, (_, kind: string, name: string) => {
      members.push(name);
      return `${kind} ${name}`;
    })
    .replace(IMPORT, (_, all: string | undefined, some: string | undefined, specifier: string) => {
      return `const ${all ?? some?.replaceAll(" as ", ": ")} = ${nameOf(specifier)};`;
    });
  return `(() => {\n${body}\nreturn { ${members.join(", ")} };\n})()`;
}
