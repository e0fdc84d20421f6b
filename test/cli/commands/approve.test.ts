import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseRequest, readApproval } from "../../../src/client/mod.ts";
import { FakeDaemon } from "../../client/fake_daemon.ts";
import { openexec } from "../recording_terminal.ts";

const NOW = 1_800_000_000;
let folder: string;
let alice: string;
let bob: string;

beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "openexec-approve-" });
  [alice, bob] = [`${folder}/alice.key`, `${folder}/bob.key`];
  const made = await openexec(["keygen", alice, "--keyid", "alice-1", "--name", "alice"]);
  await openexec(["keygen", bob, "--keyid", "bob-1", "--name", "bob"]);
  await Deno.writeTextFile(
    `${folder}/openexec.toml`,
    `executor_id = "openexec:configured"\ntenant = "t9"\nstate_dir = "${folder}"\n` +
      `[[approvers]]\nname = "treasurer"\nactions = ["*"]\nmax_ttl = "15m"\n${made.out}`,
  );
});
afterAll(() => Deno.remove(folder, { recursive: true }));

async function requested(payload = '{"amount":5}'): Promise<string> {
  return (await openexec(["request", "pay", payload])).out;
}

function approve(
  input: string,
  args: readonly string[],
  rest: { answer?: string; nowMs?: number } = {},
) {
  return openexec(["approve", "--key", alice, ...args], { input, nowMs: NOW * 1000, ...rest });
}

const claimsOf = (out: string) => readApproval(parseRequest(out))?.claims;

describe("openexec approve", () => {
  test("prints the approved request on standard output and everything else on standard error", async () => {
    const input = await requested();
    const { code, out, err } = await approve(input, ["--aud", "a", "--yes"]);
    expect(code).toBe(0);
    expect(out.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(out)).toMatchObject(JSON.parse(input));
    expect(claimsOf(out)).toMatchObject({ iss: "alice", aud: "a", iat: NOW, exp: NOW + 300 });
    expect(err).toContain("This would run:");
  });

  test("shows everything that will be signed", async () => {
    const digest = `sha256:${"ab".repeat(32)}`;
    const flags = [
      "--aud",
      "openexec:host",
      "--tenant",
      "t7",
      "--sub",
      "uid:77",
      "--handler-digest",
      digest,
    ];
    const { out, err } = await approve(await requested(), [...flags, "--ttl", "90s", "--yes"]);
    const claims = claimsOf(out);
    expect(claims).toMatchObject({
      exp: NOW + 90,
      tenant: "t7",
      sub: "uid:77",
      handler_digest: digest,
    });
    const { aud, tenant, sub, nonce, jti, action_digest } = claims ?? {};
    for (
      const shown of [
        "pay",
        '"amount": 5',
        aud,
        tenant,
        sub,
        nonce,
        jti,
        action_digest,
        digest,
        "90 s",
      ]
    ) {
      expect(err).toContain(shown);
    }
  });

  test("says that a grant for several uses binds no nonce", async () => {
    const { out, err } = await approve(await requested(), ["--aud", "a", "--uses", "3", "--yes"]);
    expect(claimsOf(out)).toMatchObject({ uses: 3 });
    expect(claimsOf(out)).not.toHaveProperty("nonce");
    expect(err).toContain("binds none");
  });

  test("asks on the terminal, and signs only after yes", async () => {
    const input = await requested();
    for (const answer of ["y", "yes", "YES"]) {
      const { code, out, questions } = await approve(input, ["--aud", "a"], { answer });
      expect([code, questions.length, out !== ""]).toEqual([0, 1, true]);
    }
    for (const answer of ["", "n", "no", "yes please"]) {
      const { code, out, questions } = await approve(input, ["--aud", "a"], { answer });
      expect([code, questions.length, out]).toEqual([1, 1, ""]);
    }
  });

  test("signs nothing where nobody can be asked", async () => {
    const { code, out, err } = await approve(await requested(), ["--aud", "a"]);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain("--yes");
  });

  test("does not ask with --yes", async () => {
    const { questions } = await approve(await requested(), ["--aud", "a", "--yes"], {
      answer: "no",
    });
    expect(questions).toEqual([]);
  });

  test("takes audience, tenant and approver from the configuration", async () => {
    const { out } = await approve(await requested(), [
      "--config",
      `${folder}/openexec.toml`,
      "--yes",
    ]);
    expect(claimsOf(out)).toMatchObject({
      iss: "treasurer",
      aud: "openexec:configured",
      tenant: "t9",
    });
  });

  test("takes audience and tenant from the daemon where no file says them", async () => {
    await using daemon = await FakeDaemon.start();
    const { out } = await approve(await requested(), ["--socket", daemon.socketPath, "--yes"]);
    expect(claimsOf(out)).toMatchObject({ iss: "alice", aud: "openexec:fake", tenant: "t1" });
  });

  test("takes no tenant from a daemon the approval is not for", async () => {
    await using daemon = await FakeDaemon.start();
    const flags = ["--socket", daemon.socketPath, "--aud", "openexec:elsewhere", "--yes"];
    expect(claimsOf((await approve(await requested(), flags)).out)).not.toHaveProperty("tenant");
  });

  test("ends with 3 when it has to ask a daemon that is not there", async () => {
    const { code, out } = await approve(await requested(), [
      "--socket",
      "/nonexistent/agent.sock",
      "--yes",
    ]);
    expect([code, out]).toEqual([3, ""]);
  });

  test.each([
    ["--ttl", "5"],
    ["--ttl", "500ms"],
    ["--uses", "0"],
    ["--uses", "10001"],
    ["--uses", "1e3"],
    ["--handler-digest", "abc"],
    ["--sub", "two words"],
    ["--sub", "bob"],
    ["--sub", "uid:007"],
  ])("refuses %s %s with 2", async (flag, value) => {
    const { code, out } = await approve(await requested(), ["--aud", "a", "--yes", flag, value]);
    expect([code, out]).toEqual([2, ""]);
  });

  test("refuses what is no key file with 2, and says nothing of its content", async () => {
    await Deno.writeTextFile(
      `${folder}/broken.key`,
      '{"type":"openexec-approver-key-v1","private_key":"c2VjcmV0"}',
    );
    const run = await openexec(["approve", "--key", `${folder}/broken.key`, "--yes"], {
      input: await requested(),
    });
    expect([run.code, run.out]).toEqual([2, ""]);
    expect(run.err).not.toContain("c2VjcmV0");
  });

  test("refuses a request that is none with 1 and its code", async () => {
    const { code, err } = await approve('{"action":"a","nonce":"n","nonce":"m"}', [
      "--aud",
      "a",
      "--yes",
    ]);
    expect(code).toBe(1);
    expect(err).toContain("payload_not_i_json");
  });
});

describe("a second signature", () => {
  async function once(terms: readonly string[] = []): Promise<string> {
    return (await approve(await requested(), ["--aud", "a", "--yes", ...terms])).out;
  }
  const again = (input: string, args: readonly string[] = [], nowMs = NOW * 1000) =>
    openexec(["approve", "--key", bob, "--yes", ...args], { input, nowMs });

  test("is added to the approval that is there, and shows who signed before", async () => {
    const first = await once();
    const { code, out, err } = await again(first);
    expect(code).toBe(0);
    expect(claimsOf(out)).toEqual(claimsOf(first));
    const keyids = readApproval(parseRequest(out))?.envelope.signatures.map(({ keyid }) => keyid);
    expect(keyids).toEqual(["alice-1", "bob-1"]);
    expect(err).toContain("alice-1");
  });

  test("tells whether the first one verifies, where the configuration knows its key", async () => {
    const first = await once();
    const flags = ["--config", `${folder}/openexec.toml`, "--aud", "a"];
    expect((await again(first, flags)).err).toContain("treasurer, verified");
    const request = parseRequest(first);
    const approval = JSON.parse(JSON.stringify(request.approval));
    approval.signatures[0].sig = approval.signatures[0].sig.replace(/^../, "AA");
    expect((await again(JSON.stringify({ ...request, approval }), flags)).err).toContain(
      "DOES NOT VERIFY",
    );
  });

  test("is refused for another payload than was approved", async () => {
    const request = JSON.parse(await once());
    const { code, out, err } = await again(
      JSON.stringify({ ...request, payload: { amount: 5_000 } }),
    );
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain("approval_action_mismatch");
  });

  test.each([["--aud", "b"], ["--tenant", "t"], ["--uses", "2"], ["--sub", "uid:1"], [
    "--ttl",
    "60s",
  ]])(
    "is refused where %s %s contradicts the first",
    async (flag, value) => {
      const { code, out } = await again(await once(), [flag, value]);
      expect([code, out]).toEqual([2, ""]);
    },
  );

  test.each([[["--uses", "9"]], [["--ttl", "6m"]]])(
    "is refused where the first has %j and nobody is asked, until the flags say so too",
    async (terms) => {
      const first = await once(terms);
      const { code, out, err } = await again(first);
      expect([code, out]).toEqual([2, ""]);
      expect(err).toContain(`${terms[0]} does not accept`);
      expect((await again(first, terms)).code).toBe(0);
    },
  );

  test("takes flags that agree with the first", async () => {
    const flags = ["--aud", "a", "--ttl", "5m", "--uses", "1", "--iss", "bob"];
    expect((await again(await once(), flags)).code).toBe(0);
  });

  test("is refused once the approval expired; --replace makes a new one", async () => {
    const first = await once();
    const late = (NOW + 300) * 1000;
    const refused = await again(first, [], late);
    expect([refused.code, refused.out]).toEqual([1, ""]);
    expect(refused.err).toContain("approval_expired");
    const anew = await again(first, ["--replace", "--aud", "a"], late);
    expect(claimsOf(anew.out)).toMatchObject({ iss: "bob", iat: NOW + 300 });
  });
});

describe("what an approver is shown", () => {
  const nasty = fc.constantFrom(
    "\u202e",
    "\u2066",
    "\u200b",
    "\u0000",
    "\u001b[2J",
    "\r",
    "\n",
    "\ufeff",
    "\u2028",
    "א",
  );
  const text = fc.string({
    unit: fc.oneof(nasty, fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 })),
  });

  test("is the whole payload, and holds nothing that could deceive", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(text, fc.oneof(text, fc.array(text), fc.integer())),
        async (payload) => {
          const request = JSON.stringify({ action: "pay", payload, nonce: "n" });
          const { code, err } = await approve(request, ["--aud", "a", "--yes"]);
          fc.pre(code === 0);
          expect(err).not.toMatch(
            /[^\P{C}\n]|[\u2028\u2029\u0590-\u08ff\p{Default_Ignorable_Code_Point}]/u,
          );
          const shown = /^ {2}payload\n([^]*?)\n\n/m.exec(err)?.[1] ?? "";
          expect(JSON.parse(shown)).toEqual(JSON.parse(JSON.stringify(payload)));
        },
      ),
      { numRuns: 200 },
    );
  });

  test("is never shortened", async () => {
    const long = "0123456789".repeat(20_000);
    const { err } = await approve(await requested(JSON.stringify({ long })), [
      "--aud",
      "a",
      "--yes",
    ]);
    expect(err).toContain(long);
  });

  test("is shown in ASCII too where letters could pass for others", async () => {
    const { err } = await approve(await requested('{"to":"pаypal"}'), ["--aud", "a", "--yes"]);
    expect(err).toContain('{"to":"p\\u0430ypal"}');
  });
});
