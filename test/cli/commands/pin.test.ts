import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { openexec } from "../recording_terminal.ts";

const HANDLER = new URL("../handlers/double.ts", import.meta.url).pathname;
const DIGEST = `sha256:${createHash("sha256").update(Deno.readFileSync(HANDLER)).digest("hex")}`;

describe("openexec pin", () => {
  test("prints the digest of a handler that can be loaded, and its schemas with --json", async () => {
    expect((await openexec(["pin", HANDLER])).out).toContain(`digest = "${DIGEST}"`);
    expect(JSON.parse((await openexec(["pin", "--json", HANDLER])).out)).toMatchObject({
      digest: DIGEST,
      input_schema: { type: "object", required: ["n"] },
    });
  });

  test("ends with 2 for a file that is not there, and prints nothing", async () => {
    for (const file of ["nope.ts", "."]) {
      const { code, out, err } = await openexec(["pin", HANDLER, file]);
      expect([code, out]).toEqual([2, ""]);
      expect(err).toContain(file);
    }
  });

  test("refuses what could not be loaded, and goes on with the next", async () => {
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(`${folder}/broken.ts`, "export default 7;");
    const { code, out, err } = await openexec(["pin", `${folder}/broken.ts`, HANDLER]);
    expect([code, out.trim().split("\n").length]).toEqual([1, 1]);
    expect(err).toContain("broken.ts");
    await Deno.remove(folder, { recursive: true });
  });
});
