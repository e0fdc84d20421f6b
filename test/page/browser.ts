/** A real Chromium with a virtual authenticator, as an approver's browser. */

import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** The browser is Debian's; it must look for nothing outside. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

export async function launchBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
}

export interface Authenticator {
  /** Whether it answers as if a person touched it. */
  setPresence(present: boolean): Promise<void>;
}

/** Opens a page whose passkeys are kept by an authenticator that verifies its user. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; authenticator: Authenticator }> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    page,
    authenticator: {
      setPresence: async (enabled) => {
        await session.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
      },
    },
  };
}
