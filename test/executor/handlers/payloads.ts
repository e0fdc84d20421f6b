/** Takes what schemas of different engines have disagreed about, one member at a time. */

import { defineAction } from "openexec";
import * as v from "valibot";

export default defineAction({
  input: v.strictObject({
    short: v.optional(v.pipe(v.string(), v.maxLength(10))),
    price: v.optional(v.pipe(v.number(), v.multipleOf(0.01))),
    mail: v.optional(v.pipe(v.string(), v.email())),
    address: v.optional(v.pipe(v.string(), v.ipv4())),
    dateTime: v.optional(v.pipe(v.string(), v.isoDateTime())),
    time: v.optional(v.pipe(v.string(), v.isoTime())),
    link: v.optional(v.pipe(v.string(), v.url())),
    escaped: v.optional(v.pipe(v.string(), v.regex(/^\@[a-z\_]+\-x\/y$/))),
    braces: v.optional(v.pipe(v.string(), v.regex(/^a{,3}$/))),
    slow: v.optional(v.pipe(v.string(), v.regex(/^([a-zA-Z0-9]+[.,;]?)+@example\.com$/))),
  }),
  output: v.literal("ran"),
  run: () => "ran" as const,
});
