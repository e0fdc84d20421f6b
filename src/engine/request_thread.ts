/** The thread of a RequestReader (request_reader.ts): reads one body after another. */

import { Refusal } from "../core/errors.ts";
import { readRequest } from "./request.ts";
import type { FromReader, ToReader } from "./request_reader.ts";

addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  Reflect.get(globalThis, "postMessage").call(globalThis, answerTo(event.data));
});

function answerTo({ body, allowed }: ToReader): FromReader {
  try {
    return { text: readRequest(body, allowed) };
  } catch (error) {
    if (!(error instanceof Refusal)) return { refusal: null };
    return { refusal: { code: error.code, detail: error.detail } };
  }
}
