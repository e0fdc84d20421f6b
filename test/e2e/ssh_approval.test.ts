/** A person with an SSH key: the real daemon, `openexec approve --ssh`, ssh-keygen and a terminal. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openexec, openexecHere } from "../cli/recording_terminal.ts";
import { Daemon, OPENEXEC } from "../support/daemon.ts";
import { homeAt } from "../support/runtime_cache.ts";
import { run, type SshKeyFile, SshKeys } from "../support/ssh_keys.ts";
import { Pane } from "../support/tmux.ts";

const ssh = new SshKeys();
const alice = ssh.make("ed25519");
const bob = ssh.make("ed25519-sk", ["-O", "verify-required"]);
const carol = ssh.make("ecdsa-sk");
let daemon: Daemon;

beforeAll(async () => {
  const keys = {
    alice: await keygen(alice, ["--keyid", "alice-ssh"]),
    bob: await keygen(bob),
    carol: await keygen(carol),
  };
  daemon = await Daemon.start({
    config: (directory) =>
      `executor_id = "openexec:test"
[[sockets]]
path = "${directory}/agent.sock"
[[sockets]]
path = "${directory}/review.sock"
role = "approver"
[[sockets]]
path = "${directory}/admin.sock"
role = "admin"
[[approvers]]
name = "alice"
${keys.alice}
[[approvers]]
name = "bob"
groups = ["ops"]
${keys.bob}
[[approvers]]
name = "carol"
groups = ["ops", "finance"]
${keys.carol}
[actions.echo]
module = "builtin:echo"
[actions.add]
module = "builtin:add"
approvals = { finance = 1, ops = 1 }
require = "hardware"
`,
  });
});
afterAll(async () => {
  await daemon.close();
  ssh[Symbol.dispose]();
});

/** The line that `openexec keygen --ssh` prints for the configuration. */
async function keygen({ path }: SshKeyFile, more: readonly string[] = []): Promise<string> {
  return (await openexec(["keygen", "--ssh", `${path}.pub`, ...more])).out;
}

/** Writes a request into a file. */
async function requestIn(name: string, ...args: readonly string[]): Promise<string> {
  const file = `${ssh.folder}/${name}`;
  const { stdout } = await openexecHere(daemon, ["request", ...args]);
  await Deno.writeTextFile(file, stdout);
  return file;
}

/** Commands of a shell, in the environment of an approver of this daemon. */
async function shell(line: string, environment: Readonly<Record<string, string>> = {}) {
  const output = await new Deno.Command("sh", {
    args: ["-c", line],
    clearEnv: true,
    env: { ...environmentOf(), ...environment },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code: output.code, stdout: text(output.stdout), stderr: text(output.stderr) };
}

function environmentOf(): Record<string, string> {
  return {
    PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
    ...homeAt(ssh.folder),
    OPENEXEC_CONFIG: `${daemon.directory}/openexec.toml`,
    SSH_SK_PROVIDER: ssh.provider,
    openexec: OPENEXEC,
  };
}

/** Answers a PIN where there is no terminal. */
function pin(): Record<string, string> {
  const path = `${ssh.folder}/pin`;
  Deno.writeTextFileSync(path, "#!/bin/sh\necho 1234\n", { mode: 0o700 });
  return { SSH_ASKPASS: path, SSH_ASKPASS_REQUIRE: "force" };
}

const signersOf = (answer: string) => {
  const body = Uint8Array.fromBase64(JSON.parse(answer).attestation.payload);
  return JSON.parse(new TextDecoder().decode(body)).approval.signers;
};

test("a key in a file approves in a pipe", async () => {
  const { code, stdout, stderr } = await shell(
    `$openexec request echo '{"a":1}' | $openexec approve --ssh ${alice.path}.pub --yes - | ` +
      `$openexec exec -`,
  );
  expect(code, stderr).toBe(0);
  expect(signersOf(stdout)).toEqual([
    { keyid: "alice-ssh", kind: "sshsig", name: "alice", user_verified: false },
  ]);
});

test("two people of two groups, each with a security key, approve one request", async () => {
  const file = await requestIn("both.json", "add", '{"a":1,"b":2}');
  const approve = (key: SshKeyFile) =>
    shell(`$openexec approve --ssh ${key.path}.pub --yes --out ${file} ${file}`, pin());
  const exec = () => openexecHere(daemon, ["exec", file]);
  await approve(bob);
  expect((await exec()).stderr).toContain("approval_signers_insufficient");
  const second = await approve(carol);
  expect(second.code, second.stderr).toBe(0);
  expect(second.stderr).toContain("bob, verified, sshsig, hardware, person verified");
  const both = await exec();
  expect(both.code, both.stderr).toBe(0);
  expect(signersOf(both.stdout)).toEqual([
    { hardware: true, keyid: expect.any(String), kind: "sshsig", name: "bob", user_verified: true },
    {
      hardware: true,
      keyid: expect.any(String),
      kind: "sshsig",
      name: "carol",
      user_verified: false,
    },
  ]);

  const receipt = `${ssh.folder}/receipt.json`;
  const publicKey = `${daemon.directory}/state/executor.pub`;
  await Deno.writeTextFile(receipt, both.stdout);
  const verified = await openexecHere(daemon, [
    ...["verify", "--offline", "--executor-key", publicKey, receipt],
  ]);
  expect(verified.stdout).toContain(
    "approved by bob (sshsig, hardware, person verified) and carol (sshsig, hardware)",
  );
  const shown = await openexecHere(daemon, ["show", "--json", JSON.parse(both.stdout).id]);
  await Deno.writeTextFile(receipt, shown.stdout);
  const script = new URL("../../examples/check_receipt.mjs", import.meta.url).pathname;
  const checked = run(Deno.execPath(), ["run", "-A", "--quiet", script, receipt, publicKey]);
  expect(checked).toMatch(/^ok {5}the executor signed this receipt$/m);
  expect(checked).not.toContain("FAILED");
  const audited = await openexecHere(daemon, ["export", "--state", `${daemon.directory}/state`]);
  expect(audited.stdout).toContain("receipt.v2+json");
  await Deno.writeTextFile(`${ssh.folder}/log.jsonl`, audited.stdout);
  const report = await openexecHere(daemon, ["audit", `${ssh.folder}/log.jsonl`]);
  expect(report.code, report.stderr).toBe(0);
});

test("at a terminal ssh-keygen asks for its PIN, though the request came in a pipe", async () => {
  const out = `${ssh.folder}/approved.json`;
  const request = await requestIn("asked.json", "echo", '{"b":2}');
  const pane = Pane.open(
    `cat ${request} | $openexec approve --ssh ${bob.path}.pub --out ${out} -`,
    { columns: 120, rows: 50, env: environmentOf() },
  );
  try {
    await pane.shows("Approve this? [y/N]");
    pane.press("y", "Enter");
    await pane.shows("Enter PIN for ED25519-SK key");
    pane.type("1234");
    pane.press("Enter");
    expect(await pane.shows("[ended")).toContain("[ended 0]");
    expect(pane.history()).toContain("Confirm user presence for key ED25519-SK");
    expect(pane.history()).not.toContain("1234");
  } finally {
    pane.close();
  }
  const { code, stdout } = await openexecHere(daemon, ["exec", out]);
  expect(code).toBe(0);
  expect(signersOf(stdout)).toMatchObject([{ name: "bob", user_verified: true }]);
});

describe("a proposal is decided with a security key:", () => {
  const propose = async (...more: readonly string[]) => {
    const asked = ["propose", "echo", '{"c":3}', "--json", ...more];
    const { stdout } = await openexecHere(daemon, asked);
    return JSON.parse(stdout);
  };
  const decide = (id: string, how: string) =>
    shell(`$openexec decide ${id} ${how} --ssh ${bob.path}.pub --yes --json`, pin());

  test("approved, it runs, and its receipt says so", async () => {
    const { id } = await propose("--nonce", "to-approve");
    const { code, stderr } = await decide(id, "--approve");
    expect(code, stderr).toBe(0);
    const execution = await propose("--nonce", "to-approve", "--wait", "1m");
    expect(execution).toMatchObject({ id, status: "succeeded", result: { c: 3 } });
    expect(signersOf(JSON.stringify(execution))).toMatchObject([
      { name: "bob", kind: "sshsig", hardware: true, user_verified: true },
    ]);
  });

  test("declined, it never runs, and its receipt says who said no", async () => {
    const { id } = await propose();
    const { code, stdout, stderr } = await decide(id, "--decline --reason 'not today'");
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      status: "declined",
      decline: { by: "bob", reason: "not today" },
    });
    const log = await openexecHere(daemon, ["export", "--state", `${daemon.directory}/state`]);
    const receipts = log.stdout.trim().split("\n").slice(1, -1).map((line) => {
      const { payload } = JSON.parse(line).receipt;
      return JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(payload)));
    });
    expect(receipts.find(({ proposal }) => proposal === id)).toMatchObject({
      kind: "decision",
      decision: "declined",
      by: { name: "bob", kind: "sshsig", hardware: true, user_verified: true },
    });
    const audited = await openexecHere(daemon, ["audit", "--state", `${daemon.directory}/state`]);
    expect(audited.code, audited.stderr).toBe(0);
  });
});

describe("openexec approve --ssh signs nothing", () => {
  let request: string;
  beforeAll(async () => void (request = await requestIn("unsigned.json", "echo")));

  const approve = (args: string, environment: Readonly<Record<string, string>>) =>
    shell(`$openexec approve ${args} --yes - < ${request}`, environment);

  test("when ssh-keygen does not", async () => {
    const refused = await approve(`--ssh ${bob.path}.pub`, {
      SSH_ASKPASS: "/bin/false",
      SSH_ASKPASS_REQUIRE: "force",
    });
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("not approved: ssh-keygen ended with 255");
  });

  test("when what it made does not verify", async () => {
    const folder = `${ssh.folder}/bin`;
    Deno.mkdirSync(folder);
    const other = ssh.make("ed25519");
    const program = `#!/bin/sh\nfor last; do :; done\nexec /usr/bin/ssh-keygen -q -Y sign ` +
      `-n openexec -f ${other.path} "$last"\n`;
    Deno.writeTextFileSync(`${folder}/ssh-keygen`, program, { mode: 0o700 });
    const refused = await approve(`--ssh ${alice.path}.pub`, {
      PATH: `${folder}:${environmentOf()["PATH"]}`,
    });
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("does not verify");
  });

  test("without ssh-keygen", async () => {
    const folder = `${ssh.folder}/empty`;
    Deno.mkdirSync(folder);
    for (const tool of ["sh", "uname", "dirname", "readlink"]) {
      Deno.symlinkSync(run("sh", ["-c", `command -v ${tool}`]).trim(), `${folder}/${tool}`);
    }
    const refused = await approve(`--ssh ${alice.path}.pub`, { PATH: folder });
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain("there is no ssh-keygen here");
  });

  test.each([
    ["the key of nobody", () => ["--ssh", `${ssh.make("ed25519").path}.pub`], 2, "--iss"],
    ["a private key's file", () => ["--ssh", alice.path], 2, "no public key of OpenSSH"],
    ["an RSA key", () => ["--ssh", rsa()], 2, "no public key of OpenSSH"],
    ["two keys", () => ["--ssh", `${alice.path}.pub`, "--key", "k"], 2, "one of --key and --ssh"],
    ["no key", () => [], 2, "one of --key and --ssh"],
    ["a keyid for a key file", () => ["--key", "k", "--keyid", "k"], 2, "--keyid goes with --ssh"],
  ])("with %s", async (_, args, code, said) => {
    const asked = ["approve", ...args(), "--yes", "-"];
    const refused = await openexecHere(daemon, asked, await Deno.readTextFile(request));
    expect(refused).toMatchObject({ code, stdout: "" });
    expect(refused.stderr).toContain(said);
  });
});

function rsa(): string {
  const path = `${ssh.folder}/rsa-${crypto.randomUUID()}`;
  run("ssh-keygen", ["-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", path]);
  return `${path}.pub`;
}

describe("openexec keygen --ssh", () => {
  test("prints what the configuration wants, without the key's comment", async () => {
    expect(await keygen(alice)).toMatch(
      /^keys = \[\{ keyid = "key-[0-9a-f]{16}", ssh = "ssh-ed25519 [A-Za-z0-9+/=]+" \}\]\n$/,
    );
    const told = await keygen(carol, ["--json", "--keyid", "c-1", "--name", "carol"]);
    expect(JSON.parse(told)).toEqual({
      file: `${carol.path}.pub`,
      name: "carol",
      keyid: "c-1",
      ssh: carol.line.replace(" a comment", ""),
    });
  });

  test.each([
    ["neither file nor key", []],
    ["both", ["new.key", "--ssh", `${alice.path}.pub`]],
    ["a private key", ["--ssh", alice.path]],
    ["a keyid that is no name", ["--ssh", `${alice.path}.pub`, "--keyid", "a b"]],
  ])("refuses %s", async (_, args) => {
    expect(await openexec(["keygen", ...args])).toMatchObject({ code: 2, out: "" });
  });
});

test("review lends the terminal to ssh-keygen, which asks for the passphrase there", async () => {
  const locked = `${ssh.folder}/locked`;
  Deno.copyFileSync(alice.path, locked);
  Deno.copyFileSync(`${alice.path}.pub`, `${locked}.pub`);
  Deno.chmodSync(locked, 0o600);
  run("ssh-keygen", ["-q", "-p", "-P", "", "-N", "a long phrase", "-f", locked], {});
  await openexecHere(daemon, ["propose", "echo", '{"msg":"by review"}', "--nonce", "by-review"]);
  const socket = `${daemon.directory}/review.sock`;
  const pane = Pane.open(
    `${OPENEXEC} review --socket ${socket} --ssh ${locked}.pub --keyid alice-ssh --iss alice`,
    { env: homeAt(ssh.folder) },
  );
  try {
    await pane.shows("> echo");
    pane.press("Enter");
    await pane.shows("a approve");
    pane.press("a");
    await pane.shows("Approve this echo? y n");
    pane.press("y");
    await pane.shows(/passphrase/i);
    pane.type("a long phrase\n");
    await pane.shows("Approved. succeeded, receipt");
  } finally {
    pane.close();
  }
});
