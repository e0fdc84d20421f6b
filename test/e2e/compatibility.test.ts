import { execFileSync } from "node:child_process";
import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Approver, request } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { testWith } from "../support/tools.ts";

const EXAMPLES = new URL("../../examples", import.meta.url).pathname;
const SESSION = new URL("openexec_session.py", import.meta.url).pathname;

type Step = readonly ["execute" | "get" | "hash", unknown];

interface Seen {
  readonly status: number;
  readonly answer: Readonly<Record<string, unknown>>;
}

/** What a Python program written for OpenExec 0.1.10 sees of each step. */
function session<What = Seen>(socket: string, steps: readonly Step[]): What[] {
  const output = execFileSync("python3", [SESSION, EXAMPLES, socket], {
    encoding: "utf8",
    input: JSON.stringify(steps),
  });
  return JSON.parse(output);
}

const receiptHolds = {
  receipt_computed: true,
  receipt_asked: [200, { valid: true }],
  receipt_forged: [200, { valid: false }],
};

describe("in demo mode", () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await Daemon.start({
      env: { OPENEXEC_MODE: "demo", OPENEXEC_ALLOWED_ACTIONS: "echo, add" },
    });
  });
  afterAll(() => daemon.close());

  testWith("python3")("the service looks as it did", () => {
    const [root, health, ready, version] = session(daemon.socket, [
      ["get", "/"],
      ["get", "/health"],
      ["get", "/ready"],
      ["get", "/version"],
    ]);
    expect(root).toMatchObject({ status: 200, answer: { service: "OpenExec", status: "running" } });
    expect(health?.answer).toMatchObject({
      status: "healthy",
      exec_mode: "demo",
      signature_verification: "disabled",
      allow_list: ["echo", "add"],
    });
    expect(ready).toEqual({ status: 200, answer: { ready: true } });
    expect(version?.answer["version"]).toBe(root?.answer["version"]);
  });

  testWith("python3")("actions run, and their receipts verify as Python computes them", () => {
    const payload = {
      msg: "hello",
      name: "José 😀",
      list: [1, 1.5, null, true, 1e300],
      nested: { b: 1, a: -0.25 },
    };
    const [echoed, added] = session(daemon.socket, [
      ["execute", { action: "echo", payload, nonce: "unique-1" }],
      ["execute", { action: "add", payload: { a: 2, b: 3 }, nonce: "unique-2" }],
    ]);
    const common = { status: 200, ...receiptHolds };
    expect(echoed).toMatchObject({
      ...common,
      answer: { action: "echo", approved: true, result: payload },
    });
    expect(added).toMatchObject({
      ...common,
      answer: { action: "add", approved: true, result: { result: 5 } },
    });
  });

  testWith("python3")("a nonce that comes again is answered with what it started", () => {
    const once: Step = ["execute", { action: "add", payload: { a: 1, b: 1 }, nonce: randomUUID() }];
    const [first, second] = session(daemon.socket, [once, once]);
    expect(second?.answer).toEqual({ ...first?.answer, replayed: true });
  });

  testWith("python3")(
    "refusals have the status and the detail that OpenExec's clients look at",
    () => {
      const [invalid, unlisted, malformed] = session(daemon.socket, [
        ["execute", { action: "add", payload: { a: "one" }, nonce: randomUUID() }],
        ["execute", { action: "send_email", payload: {}, nonce: randomUUID() }],
        ["execute", { action: "echo", payload: "text", nonce: randomUUID() }],
      ]);
      expect(invalid).toMatchObject({
        status: 400,
        answer: { detail: expect.any(String), code: "payload_invalid" },
      });
      expect(unlisted).toMatchObject({ status: 403, answer: { code: "action_not_allowed" } });
      expect(malformed).toMatchObject({ status: 400, answer: { code: "request_malformed" } });
    },
  );

  testWith("python3")("stricter: a known nonce shows nothing to another request", () => {
    const nonce = randomUUID();
    const [, other] = session(daemon.socket, [
      ["execute", { action: "echo", payload: { secret: "s3" }, nonce }],
      ["execute", { action: "echo", payload: {}, nonce }],
    ]);
    expect(other).toMatchObject({ status: 422, answer: { code: "nonce_reused" } });
    expect(JSON.stringify(other)).not.toContain("s3");
  });
});

describe("in enforced mode", () => {
  const alice = new Approver("alice");
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await Daemon.start({
      config: `executor_id = "openexec:test"
${alice.toml()}
[actions.echo]
module = "builtin:echo"
`,
    });
  });
  afterAll(() => daemon.close());

  testWith("python3")("openexec's own approvals are sent as they are printed", () => {
    const approved = alice.approve(request("echo", { msg: "approved", price: 1e21 }));
    const [first, again, unapproved] = session(daemon.socket, [
      ["execute", approved],
      ["execute", approved],
      ["execute", { action: "echo", payload: {}, nonce: randomUUID() }],
    ]);
    expect(first).toMatchObject({ status: 200, answer: { replayed: false }, ...receiptHolds });
    expect(again).toMatchObject({ status: 200, answer: { replayed: true } });
    expect(unapproved).toMatchObject({ status: 403, answer: { code: "approval_missing" } });
  });
});

describe("in ClawShield mode", () => {
  const governance = generateKeyPairSync("ed25519");
  const env = {
    OPENEXEC_MODE: "clawshield",
    CLAWSHIELD_PUBLIC_KEY: governance.publicKey.export({ format: "pem", type: "spki" }).toString(),
    CLAWSHIELD_TENANT_ID: "tenant-001",
  };
  let daemon: Daemon;
  let actionHash: string | undefined;
  beforeAll(async () => {
    daemon = await Daemon.start({ env });
  });
  afterAll(() => daemon.close());

  const payload = { msg: "governed" };

  /** As OpenExec's governance layer signs: five fields in a row, the hash as Python computes it. */
  function artifact({ tenant = "tenant-001", ttlSeconds = 300, key = governance.privateKey } = {}) {
    const now = Date.now();
    const time = (ms: number) => new Date(ms).toISOString().replace("Z", "");
    const fields = {
      approval_id: randomUUID(),
      tenant_id: tenant,
      action_hash: actionHash ??=
        session<string>(daemon.socket, [["hash", { action: "echo", payload }]])[0],
      issued_at: time(ttlSeconds > 0 ? now : now - 600_000),
      expires_at: time(now + (ttlSeconds * 1000)),
    };
    const message = Buffer.from(Object.values(fields).join(""));
    return { ...fields, signature: sign(null, message, key).toString("base64") };
  }

  /** A request with that artifact, if any. */
  function asking(approval?: unknown, changes: Readonly<Record<string, unknown>> = {}): Step {
    const bare = { action: "echo", payload, nonce: randomUUID(), ...changes };
    return ["execute", approval === undefined ? bare : { ...bare, approval_artifact: approval }];
  }

  /** What a program sees of them, one after another. */
  function execute(...steps: readonly Step[]): Seen[] {
    return session(daemon.socket, steps);
  }

  testWith("python3")("a signed artifact lets its action run, with a receipt that verifies", () => {
    expect(execute(asking(artifact()))[0]).toMatchObject({
      status: 200,
      answer: { approved: true, result: payload },
      ...receiptHolds,
    });
  });

  test("the start says whose artifacts count", () => {
    expect(daemon.output.find((line) => line.startsWith("approver clawshield"))).toMatch(
      /^approver clawshield ed25519:\S+, tenant tenant-001$/,
    );
  });

  testWith("python3")("health says which mode it is", () => {
    const [health] = session(daemon.socket, [["get", "/health"]]);
    expect(health?.answer).toMatchObject({
      exec_mode: "clawshield",
      signature_verification: "enabled",
    });
  });

  testWith("python3")("what OpenExec refused is refused with the same status and phrase", () => {
    const phrases: readonly (readonly [Step, string])[] = [
      [asking(artifact(), { payload: { msg: "tampered" } }), "hash mismatch"],
      [asking(artifact({ tenant: "wrong-tenant" })), "Tenant mismatch"],
      [asking(artifact({ ttlSeconds: -60 })), "expired"],
      [asking(artifact({ key: generateKeyPairSync("ed25519").privateKey })), "Invalid signature"],
    ];
    const [missing, ...answers] = execute(asking(), ...phrases.map(([step]) => step));
    expect(missing).toMatchObject({ status: 403, answer: { code: "approval_missing" } });
    expect(answers).toHaveLength(phrases.length);
    for (const [index, [, phrase]] of phrases.entries()) {
      expect(answers[index]).toMatchObject({
        status: 403,
        answer: { detail: expect.stringContaining(phrase) },
      });
    }
  });

  testWith("python3")("stricter: an artifact starts one execution, whatever the nonce", () => {
    const approval = artifact();
    const [first, second] = execute(asking(approval), asking(approval));
    expect(first).toMatchObject({ status: 200 });
    expect(second).toMatchObject({
      status: 409,
      answer: { code: "approval_already_used" },
    });
  });

  testWith("python3")("stricter: a known nonce is answered only together with its artifact", () => {
    const nonce = randomUUID();
    const approval = artifact();
    const once = asking(approval, { nonce });
    const [first, second, bare] = execute(once, once, asking(undefined, { nonce }));
    expect(second?.answer).toEqual({ ...first?.answer, replayed: true });
    expect(bare).toMatchObject({
      status: 422,
      answer: { code: "nonce_reused" },
    });
  });

  testWith("python3")(
    "stricter: an artifact may not live longer than max_ttl, 15 minutes if nothing else is said",
    () => {
      expect(execute(asking(artifact({ ttlSeconds: 901 })))[0]).toMatchObject({
        status: 403,
        answer: { code: "approval_ttl_too_long" },
      });
    },
  );

  test("stricter: without key or tenant the daemon does not start", async () => {
    for (const missing of ["CLAWSHIELD_PUBLIC_KEY", "CLAWSHIELD_TENANT_ID"]) {
      await expect(Daemon.start({ env: { ...env, [missing]: "" } })).rejects.toThrow(missing);
    }
  });
});
