/**
 * `npm run screenshots`: takes the pictures of the review page in docs/pictures, of a real daemon in
 * a real browser.
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContextOptions } from "playwright-core";
import { ReviewScene } from "./review_scene.ts";

const FOLDER = fileURLToPath(new URL("../../docs/pictures/", import.meta.url));
/** High enough for a short proposal whole, so that Approve is enabled. */
const DESKTOP = { viewport: { width: 1280, height: 1040 } };
const PHONE = { viewport: { width: 360, height: 760 }, deviceScaleFactor: 2 };

const scene = await ReviewScene.start();
try {
  await Deno.mkdir(FOLDER, { recursive: true });
  const charge = await scene.propose(
    "charge_card",
    { amount: 4200, currency: "eur", customer: "cus_81723", memo: "Invoice 2026-118" },
    { reason: "The customer asked to settle invoice 2026-118 today." },
  );
  for (let copy = 0; copy < 2; copy++) {
    await scene.propose("restart_service", { unit: "nginx.service" });
  }
  const attack = await scene.propose("delete_rows", {
    table: "users",
    note: "p\u0430ypal          refunds",
    where: "last_login < '2024-01-01' \u202e--",
  }, { reason: "cleanup\u200b, as discussed" });
  const waiting = (id: string) => `#/waiting/${id}`;
  await picture("review_desktop.png", waiting(charge.id), DESKTOP);
  await picture("review_dark.png", waiting(charge.id), { ...DESKTOP, colorScheme: "dark" });
  await picture("review_phone.png", waiting(charge.id), PHONE);
  await picture("review_attack.png", waiting(attack.id), DESKTOP);
} finally {
  await scene.close();
}

async function picture(name: string, hash: string, options: BrowserContextOptions): Promise<void> {
  const context = await scene.browser.newContext(options);
  const page = await context.newPage();
  await page.addInitScript(() => localStorage.setItem("openexec.approver", "bob bob-passkey"));
  await page.goto(scene.url(hash));
  await page.locator(options === PHONE ? ".question" : "button.go:enabled").first().waitFor();
  await page.locator('#live[data-state="live"]').waitFor();
  await page.screenshot({ path: join(FOLDER, name) });
  await context.close();
}
