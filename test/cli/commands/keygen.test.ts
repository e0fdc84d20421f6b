import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseApproverKey } from "../../../src/client/mod.ts";
import { openexec } from "../recording_terminal.ts";

let folder: string;
beforeAll(async () => void (folder = await Deno.makeTempDir({ prefix: "openexec-cli-" })));
afterAll(() => Deno.remove(folder, { recursive: true }));

describe("openexec keygen", () => {
  test("writes a key that only its owner may read, and prints what the configuration wants", async () => {
    const file = `${folder}/new.key`;
    const { code, out } = await openexec(["keygen", file, "--json"]);
    expect(code).toBe(0);
    expect((Deno.statSync(file).mode ?? 0) & 0o777).toBe(0o600);
    const key = parseApproverKey(await Deno.readTextFile(file));
    expect(JSON.parse(out)).toMatchObject({
      keyid: key.keyid,
      public_key: expect.stringMatching(/^ed25519:/),
    });
    expect(out).not.toContain(JSON.parse(await Deno.readTextFile(file)).private_key);
  });

  test("leaves a file that exists as it is", async () => {
    await Deno.writeTextFile(`${folder}/old.key`, "precious");
    expect((await openexec(["keygen", `${folder}/old.key`])).code).toBe(2);
    expect(await Deno.readTextFile(`${folder}/old.key`)).toBe("precious");
  });
});
