import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseRequest, readApproval } from "../../../src/client/mod.ts";
import { FakeDaemon } from "../../client/fake_daemon.ts";
import { type Circumstances, openexec } from "../recording_terminal.ts";

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
      `[[approvers]]\nname = "treasurer"\nactions = ["*"]\nmax_ttl = "15m"\n${made.out}` +
      `[actions.pay]\nmodule = "builtin:echo"\n`,
  );
});
afterAll(() => Deno.remove(folder, { recursive: true }));

async function requested(payload = '{"amount":5}'): Promise<string> {
  return (await openexec(["request", "pay", payload])).out;
}

function approve(
  input: string,
  args: readonly string[],
  rest: Omit<Circumstances, "input"> = {},
) {
  return openexec(["approve", "--key", alice, ...args], { input, nowMs: NOW * 1000, ...rest });
}

/** The payload behind the gutter, its wrapped lines put together. */
function payloadShown(err: string): string {
  const [, shown = ""] = /^This would run:\n\n([^]*?)\n\n/m.exec(err) ?? [];
  return shown.replace(/\n *: /g, "").replace(/^ *\d+ \| /gm, "");
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

  test("refuses a request that is none with 2 and its code", async () => {
    const { code, err } = await approve('{"action":"a","nonce":"n","nonce":"m"}', [
      "--aud",
      "a",
      "--yes",
    ]);
    expect(code).toBe(2);
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
          expect(JSON.parse(payloadShown(err))).toEqual(JSON.parse(JSON.stringify(payload)));
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

  test.each([
    ["a command padded to a false digest", `${"x".repeat(40)}}${" ".repeat(240)}; rm -rf /`],
    ["2,400 spaces before the rest", `true${" ".repeat(2_400)}; rm -rf /`],
    ["a line that wraps to a false field", `${"y".repeat(66)}  expires      in a moment`],
  ])("no line of 80 columns begins with text of the payload: %s", async (_, command) => {
    const { err } = await approve(await requested(JSON.stringify({ command })), [
      "--aud",
      "a",
      "--yes",
    ], { size: { columns: 80, rows: 24 } });
    const lines = err.split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(80);
    const own = /^($|This would run:$| +\d+ \| | +: |[a-z][a-zA-Z ]{6} )/;
    expect(lines.filter((line) => !own.test(line))).toEqual([]);
    expect(JSON.parse(payloadShown(err))).toEqual({ command });
  });

  test("pages a long payload, and stands whole beside the question", async () => {
    const payload = JSON.stringify({ list: Array.from({ length: 100 }, (_, i) => i) });
    const size = { columns: 80, rows: 24 };
    const answers = ["", "", "", "", "y"];
    const shown = await approve(await requested(payload), ["--aud", "a"], {
      size,
      answer: () => answers.shift() ?? "no",
    });
    expect(shown.code).toBe(0);
    expect(shown.questions).toHaveLength(5);
    expect(shown.questions[0]).toContain("23 of 107 lines");
    const beside = shown.err.slice(shown.err.lastIndexOf(" | }"));
    expect(beside.split("\n").length).toBeLessThan(24);
    for (const text of ["pay", "104 lines, 300 bytes", "sha256:", "300 s after the answer"]) {
      expect(beside).toContain(text);
    }
    const stopped = await approve(await requested(payload), ["--aud", "a"], { size, answer: "q" });
    expect([stopped.code, stopped.out, stopped.questions.length]).toEqual([1, "", 1]);
  });
});

describe("the answer", () => {
  test("starts the time that an approval is good for", async () => {
    let nowMs = NOW * 1000;
    const { out } = await approve(await requested(), ["--aud", "a", "--ttl", "60s"], {
      nowMs: () => nowMs,
      answer: () => {
        nowMs += 50_000;
        return "y";
      },
    });
    expect(claimsOf(out)).toMatchObject({ iat: NOW + 50, exp: NOW + 110 });
  });

  test("no says that nothing was signed, and what the shell may have left", async () => {
    const { code, err } = await approve(await requested(), ["--aud", "a"], { answer: "n" });
    expect(code).toBe(1);
    expect(err).toMatch(/^openexec: declined: nothing was signed; a file that the shell made/m);
    expect(err).not.toContain("Have the request approved");
  });

  test("--out makes a file when it is yes, and none when it is no", async () => {
    const file = `${folder}/approved.json`;
    const flags = ["--aud", "a", "--out", file];
    expect((await approve(await requested(), flags, { answer: "n" })).code).toBe(1);
    expect([...Deno.readDirSync(folder)].map(({ name }) => name)).not.toContain("approved.json");
    const { code, out } = await approve(await requested(), flags, { answer: "y" });
    expect([code, out]).toEqual([0, ""]);
    expect(claimsOf(Deno.readTextFileSync(file))).toMatchObject({ iss: "alice" });
  });
});

test("a key file that others may read is refused, and not read", async () => {
  const open = `${folder}/open.key`;
  Deno.copyFileSync(alice, open);
  for (const mode of [0o640, 0o604, 0o660, 0o666]) {
    Deno.chmodSync(open, mode);
    const run = await openexec(["approve", "--key", open, "--aud", "a", "--yes"], {
      input: await requested(),
    });
    expect([run.code, run.out]).toEqual([2, ""]);
    expect(run.err).toContain(`mode 0${mode.toString(8)}`);
  }
});

describe("what can never run", () => {
  const bare = () => ["--config", `${folder}/bare.toml`];
  beforeAll(async () => {
    const text = await Deno.readTextFile(`${folder}/openexec.toml`);
    await Deno.writeTextFile(`${folder}/bare.toml`, text.replace(/\[actions[^]*/, ""));
    const scope = `\n[[approvers]]\nname = "clerk"\nactions = ["other"]\nmax_ttl = "60s"\n`;
    const old = await openexec(["keygen", `${folder}/old.key`, "--keyid", "old-1"]);
    const scoped = await openexec(["keygen", `${folder}/clerk.key`, "--keyid", "clerk-1"]);
    const past = old.out.replace(" }]", ", not_after = 2020-01-01T00:00:00Z }]");
    await Deno.writeTextFile(
      `${folder}/whole.toml`,
      `${text}${scope}${scoped.out}[[approvers]]\nname = "old"\n${past}` +
        `[[sockets]]\npath = "${folder}/agent.sock"\nuids = [77]\n`,
    );
  });
  const whole = () => ["--config", `${folder}/whole.toml`];

  test.each([
    ["action_unknown", [], bare, "alice"],
    ["approval_signer_unknown", [], whole, "bob"],
    ["approval_signer_unknown", [], whole, "old"],
    ["approval_scope_denied", ["--ttl", "30s"], whole, "clerk"],
    ["approval_ttl_too_long", ["--ttl", "1h"], whole, "alice"],
    ["approval_subject_mismatch", ["--sub", "uid:78"], whole, "alice"],
    ["approval_subject_mismatch", ["--sub", "socket:other.sock"], whole, "alice"],
    ["approval_tenant_mismatch", ["--tenant", "t8"], whole, "alice"],
  ])("is refused with --yes as %s, %j; --anyway signs it; a person is warned", async (
    code,
    flags,
    from,
    key,
  ) => {
    const run = (more: readonly string[], answer?: string) =>
      approveWith(key, [...from(), ...flags, ...more], answer);
    const refused = await run(["--yes"]);
    expect([refused.code, refused.out]).toEqual([1, ""]);
    expect(refused.err).toContain(`openexec: ${code}: `);
    expect(refused.err).toContain(`(${code})`);
    expect((await run(["--yes", "--anyway"])).code).toBe(0);
    const asked = await run([], "y");
    expect(asked.code).toBe(0);
    expect(asked.err).toMatch(new RegExp(`^WARNING .*\\(${code}\\)$`, "m"));
  });

  test.each([["uid:77"], ["socket:agent.sock"]])("%s is no wrong subject", async (sub) => {
    expect((await approveWith("alice", [...whole(), "--sub", sub, "--yes"])).code).toBe(0);
  });

  test("says what the daemon tells: what ran already, and what does not fit", async () => {
    await using daemon = await FakeDaemon.start();
    const flags = ["--socket", daemon.socketPath, "--yes"];
    const input = await requested();
    daemon.inputSchema = { type: "object", properties: { amount: { type: "string" } } };
    const misfit = await approve(input, flags);
    expect([misfit.code, misfit.out]).toEqual([1, ""]);
    expect(misfit.err).toContain("payload_invalid: the payload: /amount has to be of type string");
    daemon.inputSchema = {};
    const approved = await approve(input, flags);
    expect(approved.code).toBe(0);
    await openexec(["exec", "--socket", daemon.socketPath], { input: approved.out });
    const again = await approve(input, flags);
    expect(again.code).toBe(1);
    expect(again.err).toContain("nonce_reused: a request with this nonce already ran: succeeded");
  });

  async function approveWith(key: string, flags: readonly string[], answer?: string) {
    return await openexec(["approve", "--key", `${folder}/${key}.key`, ...flags], {
      input: await requested(),
      nowMs: NOW * 1000,
      ...(answer === undefined ? {} : { answer }),
    });
  }
});
