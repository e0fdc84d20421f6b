/** The thread of a RequestReader (request_reader.ts): reads one text after another. */

import { Refusal } from "../core/errors.ts";
import { readRequest } from "./request.ts";
import type { FromReader, ToReader } from "./request_reader.ts";
import { isLegacyReceipt, readResult } from "./result.ts";

addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  const answer = answerTo(event.data);
  // A long text goes over as it is: its copy would hold the loop of the daemon.
  const transfer = "text" in answer && typeof answer.text.canonical !== "string"
    ? [answer.text.canonical.buffer]
    : [];
  Reflect.get(globalThis, "postMessage").call(globalThis, answer, { transfer });
});

function answerTo(asked: ToReader): FromReader {
  try {
    if ("text" in asked) return { result: readResult(asked) };
    if (asked.allowed === null) return { isValid: isLegacyReceipt(asked.body) };
    return { text: readRequest(asked.body, asked.allowed) };
  } catch (error) {
    if (!(error instanceof Refusal)) return { refusal: null };
    return { refusal: { code: error.code, detail: error.detail } };
  }
}
