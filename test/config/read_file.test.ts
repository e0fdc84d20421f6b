import { expect, test } from "vitest";
import { ConfigError } from "../../src/config/config_error.ts";
import { readConfigFile } from "../../src/config/read_file.ts";

test("readConfigFile() knows a file that is not there from one that cannot be read", () => {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${folder}/openexec.toml`, "mode");
    expect(readConfigFile(`${folder}/openexec.toml`)).toEqual(new TextEncoder().encode("mode"));
    expect(readConfigFile(`${folder}/other.toml`)).toBeUndefined();
    expect(() => readConfigFile(folder)).toThrow(ConfigError);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
