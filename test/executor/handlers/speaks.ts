/** Throws in one of many ways, some of which are meant for whoever asked. */

import { defineAction, PublicError } from "openexec";
import * as v from "valibot";

class Declined extends PublicError {
  override readonly name = "Declined";
}

const MARKED = { [Symbol.for("openexec.PublicError")]: true };

/** Stands for the class of a copy of openexec that a bundler put into the handler. */
const ofACopy = (message: unknown) => Object.assign(new Error(), { ...MARKED, message });

const trapped = new Proxy(new PublicError("never read"), {
  get() {
    throw new Error("nobody reads this");
  },
});

const THROWN: Record<string, (word: string) => unknown> = {
  plainly: () => new PublicError("the card was declined"),
  withACause: () => new PublicError("the card was declined", { cause: new Error("code 51") }),
  byASubclass: () => new Declined("the card was declined"),
  byACopy: () => ofACopy("the card was declined"),
  atLength: () => new PublicError("\u{1f4b3}".repeat(700)),
  illFormed: () => new PublicError("a\ud800b"),
  withASecret: (word) => new PublicError(`${"x".repeat(495)}${word}`),
  privately: () => new Error("the card was declined"),
  underItsName: () => Object.assign(new Error("the card was declined"), { name: "PublicError" }),
  withoutText: () => ofACopy({ toString: () => "the card was declined" }),
  trapped: () => trapped,
  asText: () => "the card was declined",
  asNothing: () => undefined,
};

export default defineAction({
  input: v.object({ how: v.string() }),
  output: v.null(),
  run({ how }, { secrets }) {
    throw THROWN[how]?.(secrets["word"] ?? "");
  },
});
