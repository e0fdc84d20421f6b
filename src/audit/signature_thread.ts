/** The thread of a SignatureThread (signature_checks.ts): verifies one batch after another. */

import { verifyReceiptSignature } from "../log/signed_receipt.ts";
import { type BatchAnswer, entriesOf, type SignatureBatch } from "./signature_checks.ts";

addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  Reflect.get(globalThis, "postMessage").call(globalThis, firstBad(event.data));
});

function firstBad(batch: SignatureBatch): BatchAnswer {
  let place = 0;
  for (const entry of entriesOf(batch)) {
    if (!verifyReceiptSignature(entry, batch.publicKey)) return place;
    place++;
  }
  return null;
}
