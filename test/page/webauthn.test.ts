/** Passkeys of Debian's Chromium, with the virtual authenticator of its debugging protocol. */

import { createServer, type Server } from "node:http";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { utf8Encode } from "../../src/core/bytes.ts";
import { sha256 } from "../../src/core/sha.ts";
import { parsePasskey, type Passkey, verifyAssertion } from "../../src/core/keys/webauthn.ts";
import { launchBrowser } from "./browser.ts";
import { assertionJson } from "../support/software_passkey.ts";
import { isAcceptedElsewhere } from "../support/webauthn_opinion.ts";

const message = utf8Encode("the bytes of an approval");
const challenge = sha256(message);

let browser: Browser;
const servers: Server[] = [];
const ports: number[] = [];

beforeAll(async () => {
  browser = await launchBrowser();
  for (let i = 0; i < 2; i++) {
    const server = createServer((_, response) => {
      response.setHeader("content-type", "text/html");
      response.end("<!doctype html><title>a page</title>");
    });
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    const address = server.address();
    servers.push(server);
    ports.push(typeof address === "object" && address !== null ? address.port : 0);
  }
});
afterAll(async () => {
  await browser.close();
  for (const server of servers) server.close();
});

interface Made {
  readonly spki: string;
  readonly id: string;
  readonly parts: Readonly<Record<string, readonly number[]>>;
}

interface Asked {
  /** COSE: -8 is EdDSA, -7 is ES256. */
  readonly algorithm: -7 | -8;
  readonly isVerified?: boolean;
  readonly isSynced?: boolean;
  readonly port?: number;
}

/** Enrols a passkey on a page, and has it sign there. */
async function signOnPage({ algorithm, isVerified = true, isSynced = false, port }: Asked) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`http://localhost:${port ?? ports[0]}/`);
  const session = await context.newCDPSession(page);
  await session.send("WebAuthn.enable");
  await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: isVerified,
      isUserVerified: isVerified,
      automaticPresenceSimulation: true,
      defaultBackupEligibility: isSynced,
      defaultBackupState: isSynced,
    },
  });
  const made = await page.evaluate(inPage, { algorithm, challenge: [...challenge] });
  await context.close();
  return made;
}

/** Runs in the browser. */
async function inPage(asked: { algorithm: number; challenge: number[] }): Promise<Made> {
  const bytes = (buffer: ArrayBuffer) => [...new Uint8Array(buffer)];
  const created = await navigator.credentials.create({
    publicKey: {
      rp: { id: "localhost", name: "openexec" },
      user: { id: new Uint8Array([1]), name: "alice", displayName: "alice" },
      challenge: new Uint8Array(32),
      pubKeyCredParams: [{ type: "public-key", alg: asked.algorithm }],
    },
  });
  if (!(created instanceof PublicKeyCredential)) throw new Error("no passkey was made");
  const got = await navigator.credentials.get({
    publicKey: {
      rpId: "localhost",
      challenge: new Uint8Array(asked.challenge),
      allowCredentials: [{ type: "public-key", id: created.rawId }],
    },
  });
  if (!(got instanceof PublicKeyCredential)) throw new Error("no passkey signed");
  const { response: made } = created;
  const { response } = got;
  if (
    !(made instanceof AuthenticatorAttestationResponse) ||
    !(response instanceof AuthenticatorAssertionResponse)
  ) {
    throw new Error("these are other responses");
  }
  const spki = made.getPublicKey();
  if (spki === null) throw new Error("it does not show its key");
  return {
    spki: btoa(String.fromCharCode(...bytes(spki))),
    id: got.id,
    parts: {
      authenticatorData: bytes(response.authenticatorData),
      clientDataJSON: bytes(response.clientDataJSON),
      signature: bytes(response.signature),
    },
  };
}

/** What a page signed, and the key as the configuration would have it. */
function approverOf(made: Made, port = ports[0]) {
  const parsed = parsePasskey(made.spki);
  if (parsed === undefined) throw new Error("the passkey's key does not parse");
  const members: Record<string, Uint8Array> = Object.fromEntries(
    Object.entries(made.parts).map(([name, part]) => [name, Uint8Array.from(part)]),
  );
  const key: Passkey = { ...parsed, rpId: "localhost", origins: [`http://localhost:${port}`] };
  return { members, signature: assertionJson(members), key };
}

describe.each([["EdDSA", -8], ["ES256", -7]] as const)("a passkey by %s", (name, algorithm) => {
  test.each([
    [true, false, { userVerified: true, backupEligible: false }],
    [false, false, { userVerified: false, backupEligible: false }],
    [true, true, { userVerified: true, backupEligible: true }],
  ])("signs; verified %s, synced %s", async (isVerified, isSynced, expected) => {
    const made = await signOnPage({ algorithm, isVerified, isSynced });
    const { signature, key, members } = approverOf(made);
    expect(key.algorithm).toBe(name);
    expect(verifyAssertion(signature, message, key)).toEqual(expected);
    expect(verifyAssertion(signature, utf8Encode("another approval"), key)).toBeUndefined();
    expect(await isAcceptedElsewhere(members, message, key)).toBe(true);
  }, 30_000);

  test("counts for nothing from a page at another port", async () => {
    const made = await signOnPage({ algorithm, port: ports[1] ?? 0 });
    const { signature, key } = approverOf(made);
    expect(verifyAssertion(signature, message, key)).toBeUndefined();
    expect(verifyAssertion(signature, message, approverOf(made, ports[1]).key)).toBeDefined();
  }, 30_000);
});
