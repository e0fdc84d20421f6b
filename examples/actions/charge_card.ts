/**
 * Charges a card through a payment service.
 *
 *   [actions.charge_card]
 *   module = "./actions/charge_card.ts"
 *   digest = "sha256:…"                     # `openexec pin actions/charge_card.ts` prints it
 *   approvals = 2
 *   timeout = "10s"
 *   idempotent = true                       # the service deduplicates by the key it is sent
 *   on_interrupt = "rerun"
 *   allow = { net = ["api.example.com:443"] }
 *   secrets = ["stripe_key"]
 */

import { defineAction } from "openexec";
import * as v from "valibot";

/** On the host that the grant names. */
const ENDPOINT = "https://api.example.com/v1/charges";

const charge = v.object({ id: v.string(), status: v.picklist(["succeeded", "pending"]) });

export default defineAction({
  input: v.strictObject({
    customer: v.pipe(v.string(), v.regex(/^cus_[A-Za-z0-9]{1,64}$/)),
    // in cents: a whole number has one text, so what was approved is what is charged
    amount: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100_000)),
    currency: v.picklist(["eur", "usd"]),
  }),
  output: charge,
  async run(input, { secrets, idempotencyKey, signal, log }) {
    const response = await fetch(ENDPOINT, {
      method: "POST",
      headers: {
        "Authorization": `Bearer ${secrets["stripe_key"]}`,
        "Content-Type": "application/json",
        // the same for every run of this execution: a rerun after an interruption charges nothing twice
        "Idempotency-Key": idempotencyKey,
      },
      body: JSON.stringify(input),
      redirect: "error",
      signal,
    });
    log("the service answered", { status: response.status });
    // the answer's text may quote the card: it is not put into an error
    if (!response.ok) throw new Error(`the service answered ${response.status}`);
    return v.parse(charge, await response.json());
  },
});
