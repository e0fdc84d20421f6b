/** The order in which a request is found wrong. */

import { expect, test } from "vitest";
import { utf8Encode } from "../../src/core/bytes.ts";
import { EXECUTE_MEMBERS } from "../../src/core/limits.ts";
import { parseRequest, readRequest } from "../../src/engine/request.ts";

function parsed(body: unknown) {
  return () => parseRequest(readRequest(utf8Encode(JSON.stringify(body)), EXECUTE_MEMBERS), null);
}

test("an envelope beside an artifact is malformed before a nonce is missed", () => {
  const both = { action: "echo", payload: {}, approval: {}, approval_artifact: {} };
  expect(parsed(both)).toThrow("request_malformed: approval and approval_artifact exclude");
  expect(parsed({ ...both, approval_artifact: undefined })).toThrow("nonce_missing");
});
