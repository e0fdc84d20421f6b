import { expect, test } from "vitest";
import { StartupError } from "../../src/core/startup_error.ts";
import { makePrivateFolder } from "../../src/os/private_folder.ts";

const mode = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o777;

test("makePrivateFolder() makes what is missing for this user only, and leaves what is there", () => {
  const root = Deno.makeTempDirSync();
  Deno.chmodSync(root, 0o755);
  makePrivateFolder(`${root}/a/b`);
  makePrivateFolder(`${root}/a/b`);
  expect([mode(root), mode(`${root}/a`), mode(`${root}/a/b`)]).toEqual([0o755, 0o700, 0o700]);
  Deno.removeSync(root, { recursive: true });
});

test("makePrivateFolder() says what keeps it from making one", () => {
  const root = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${root}/file`, "");
  expect(() => makePrivateFolder(`${root}/file/below`)).toThrow(StartupError);
  Deno.removeSync(root, { recursive: true });
});
