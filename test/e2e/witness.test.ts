/** Checkpoints that leave the daemon, and a witness who cosigns one: both written here from the C2SP specifications alone. */

import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Approver, request } from "../support/approver.ts";
import { openexecHere } from "../cli/recording_terminal.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { until } from "../support/until.ts";

const alice = new Approver("alice");
let directory: string;
let daemon: Daemon;

beforeAll(async () => {
  directory = Deno.makeTempDirSync({ prefix: "openexec-witness-" });
  Deno.mkdirSync(at("elsewhere"));
  daemon = await Daemon.start({
    directory,
    config: `executor_id = "openexec:test"
anchor = "${at("elsewhere/newest")}"
${alice.toml()}
[actions.echo]
module = "builtin:echo"
[checkpoints]
file = "${at("elsewhere/all")}"
command = ["/bin/sh", "-c", "cat >> ${at("handed")}; echo >> ${at("handed")}"]
interval = "20ms"`,
  });
});
afterAll(async () => {
  await daemon.close();
  Deno.removeSync(directory, { recursive: true });
});

function at(name: string): string {
  return join(directory, name);
}

function read(name: string): string {
  try {
    return Deno.readTextFileSync(at(name));
  } catch {
    return "";
  }
}

async function execute(): Promise<void> {
  expect((await call(daemon.socket, "POST", "/execute", alice.approve(request("echo", {})))).status)
    .toBe(
      200,
    );
}

async function newest(): Promise<string> {
  return (await call(daemon.socket, "GET", "/log/checkpoint")).text;
}

/** Sizes of the checkpoints in a file, in its order. */
function sizesIn(name: string): number[] {
  return [...read(name).matchAll(/^openexec:test\/log\n(\d+)\n/gm)].map(([, size]) => Number(size));
}

async function verify(...args: readonly string[]) {
  const { code, stdout } = await openexecHere(daemon, ["verify", "--json", ...args]);
  const { checks } = JSON.parse(stdout);
  const failed = checks.flatMap(({ name, outcome }: Record<string, string>) =>
    outcome === "failed" ? [name] : []
  );
  return { code, failed };
}

/** A witness of C2SP tlog-cosignature, cosignature/v1: its vkey, and what it appends to a checkpoint that it saw. */
class Witness {
  readonly #key: KeyObject;
  readonly #id: Buffer;
  readonly vkey: string;

  constructor(readonly name: string) {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const material = Buffer.concat([
      Buffer.of(4),
      publicKey.export({ format: "der", type: "spki" }).subarray(-32),
    ]);
    this.#key = privateKey;
    this.#id = createHash("sha256").update(`${name}\n`).update(material).digest().subarray(0, 4);
    this.vkey = `${name}+${this.#id.toString("hex")}+${material.toString("base64")}`;
  }

  cosign(checkpoint: string, seconds = 1_800_000_000): string {
    const text = checkpoint.slice(0, checkpoint.indexOf("\n\n") + 1);
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(seconds));
    const signature = sign(
      null,
      Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`),
      this.#key,
    );
    const line = Buffer.concat([this.#id, time, signature]).toString("base64");
    return `${checkpoint}\u2014 ${this.name} ${line}\n`;
  }
}

test("as the log grows, each new checkpoint replaces the anchor, is appended to the file and given to the command", async () => {
  for (const size of [2, 3, 4]) {
    await execute();
    for (const file of ["elsewhere/newest", "elsewhere/all", "handed"]) {
      await until(() => sizesIn(file).at(-1) === size);
    }
  }
  expect(read("elsewhere/newest")).toBe(await newest());
  for (const file of ["elsewhere/all", "handed"]) {
    expect(sizesIn(file).slice(-3)).toEqual([2, 3, 4]);
    const audit = await openexecHere(daemon, ["audit", "--json", "--checkpoint", at(file)]);
    expect([file, audit.code]).toEqual([file, 0]);
  }
  Deno.writeTextFileSync(at("forged"), read("elsewhere/all").replace("/log\n3\n", "/log\n2\n"));
  expect((await openexecHere(daemon, ["audit", "--checkpoint", at("forged")])).code).toBe(1);
});

test("a witness's cosignature on a checkpoint is believed, anyone else's is not", async () => {
  const witness = new Witness("witness.example/w1");
  const impostor = new Witness("witness.example/w1");
  const checkpoint = await newest();
  Deno.writeTextFileSync(
    at("receipt.json"),
    (await call(daemon.socket, "GET", "/receipts/1")).text,
  );
  Deno.writeTextFileSync(at("bare"), checkpoint);
  Deno.writeTextFileSync(at("cosigned"), witness.cosign(checkpoint));
  Deno.writeTextFileSync(at("impostor"), impostor.cosign(checkpoint));
  Deno.writeTextFileSync(
    at("two"),
    new Witness("witness.example/w2").cosign(witness.cosign(checkpoint)),
  );
  const other = witness.cosign(checkpoint.replace("/log\n4\n", "/log\n5\n"));
  Deno.writeTextFileSync(at("moved"), `${checkpoint}${other.split("\n").at(-2)}\n`);

  const asked = (file: string, vkey = witness.vkey) =>
    verify(at("receipt.json"), "--offline", "--checkpoint", at(file), "--witness", vkey);
  expect(await asked("cosigned")).toEqual({ code: 0, failed: [] });
  expect(await asked("two")).toEqual({ code: 0, failed: [] });
  expect(await asked("bare")).toEqual({ code: 1, failed: ["witness"] });
  expect(await asked("impostor")).toEqual({ code: 1, failed: ["witness"] });
  expect(await asked("cosigned", impostor.vkey)).toEqual({ code: 1, failed: ["witness"] });
  expect(await asked("moved")).toEqual({ code: 1, failed: ["witness"] });
});

test("a checkpoint cosigned earlier vouches for a receipt that is proven later", async () => {
  const witness = new Witness("witness.example/w1");
  Deno.writeTextFileSync(at("earlier"), witness.cosign(await newest()));
  await execute();
  Deno.writeTextFileSync(
    at("receipt.json"),
    (await call(daemon.socket, "GET", "/receipts/1")).text,
  );
  const args = [at("receipt.json"), "--checkpoint", at("earlier"), "--witness", witness.vkey];
  expect(await verify(...args)).toEqual({ code: 0, failed: [] });
  expect((await verify(...args, "--offline")).failed).toEqual(["consistency", "witness"]);
});
