import { defineAction, PublicError } from "openexec";
import * as v from "valibot";

/** Tells what it was given, or fails over it, so that a test can look for it where it must not be. */
export default defineAction({
  input: v.object({
    how: v.picklist(["return", "throw", "say", "reject", "no result"]),
    told: v.string(),
  }),
  output: v.object({
    told: v.string(),
    traceparent: v.nullable(v.string()),
    executionId: v.string(),
    letters: v.number(),
  }),
  run({ how, told }, { traceparent, executionId, secrets }) {
    const word = secrets["word"] ?? "";
    if (how === "throw") throw new Error(`${told} ${word}`);
    if (how === "say") throw new PublicError(`declined: ${told} ${word}`);
    if (how === "reject") return Promise.reject({ told, word });
    if (how === "no result") return Promise.resolve(JSON.parse(JSON.stringify([told, word])));
    return { told, traceparent, executionId, letters: word.length };
  },
});
