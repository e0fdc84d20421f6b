import { describe, expect, test } from "vitest";
import { codeOf } from "../support/refusals.ts";
import type { Role } from "../../src/core/types.ts";
import { refuseForeignPages } from "../../src/server/page.ts";

const OWN = { host: "localhost:8822", origin: "http://localhost:8822" };
const JSON_TYPE = { "content-type": "application/json", "x-openexec": "1" };

function decide(
  role: Role,
  request: string,
  fields: Readonly<Record<string, string>>,
): string {
  const [method = "", path = ""] = request.split(" ");
  const head = {
    method,
    path,
    query: "",
    fields: new Map(Object.entries(fields).map(([name, value]) => [name, [value]])),
    fault: null,
  };
  return codeOf(() => refuseForeignPages(role, head));
}

describe("an approver's socket", () => {
  test.each([
    ["a program", "POST /proposals/1/approvals", { host: "localhost" }],
    ["a program of HTTP/1.0", "GET /proposals", {}],
    ["the page that a person opens", "GET /review", {
      ...OWN,
      origin: "",
      "sec-fetch-site": "none",
    }],
    ["the page's own script", "GET /proposals", {
      host: OWN.host,
      "sec-fetch-site": "same-origin",
    }],
    [
      "the page's own post",
      "POST /proposals/1/approvals",
      { ...OWN, ...JSON_TYPE, "sec-fetch-site": "same-origin" },
    ],
  ])("serves %s", (_, request, fields) => {
    const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ""));
    expect(decide("approver", request, given)).toBe("ok");
  });

  test.each([
    ["a rebound name", "GET /proposals", { host: "evil.example:8822" }],
    ["an address for a name", "GET /proposals", { host: "127.0.0.1:8822" }],
    ["a name that only begins so", "GET /proposals", { host: "localhost.evil.example" }],
    ["two Host fields' worth", "GET /proposals", { host: "localhost, evil.example" }],
    ["a foreign page", "POST /x", { ...OWN, ...JSON_TYPE, origin: "https://evil.example" }],
    ["a page without an origin", "POST /x", { ...OWN, ...JSON_TYPE, origin: "null" }],
    ["a page of another port", "POST /x", { ...OWN, ...JSON_TYPE, origin: "http://localhost:1" }],
    ["a page of the other scheme", "POST /x", {
      ...OWN,
      ...JSON_TYPE,
      origin: "https://localhost:8822",
    }],
    ["a link on a foreign page", "GET /review", { host: OWN.host, "sec-fetch-site": "cross-site" }],
    ["a page of the same site", "GET /review", { host: OWN.host, "sec-fetch-site": "same-site" }],
    ["data opened by its address", "GET /proposals", { host: OWN.host, "sec-fetch-site": "none" }],
    ["a form of the page's origin", "POST /x", { ...OWN, "content-type": "text/plain" }],
    ["a name that ends in ours", "GET /review", { host: "notlocalhost:8822" }],
    ["a post of text with our field", "POST /x", {
      ...OWN,
      "content-type": "text/plain",
      "x-openexec": "1",
    }],
    ["a post without our field", "POST /x", { ...OWN, "content-type": "application/json" }],
  ])("refuses %s", (_, request, fields) => {
    expect(decide("approver", request, fields)).toBe("peer_denied");
  });
});

test.each(["agent", "admin"] as const)("no page at all may ask on an %s socket", (role) => {
  expect(decide(role, "GET /", { host: "anything" })).toBe("ok");
  expect(decide(role, "GET /", OWN)).toBe("peer_denied");
  expect(decide(role, "GET /", { host: "localhost", "sec-fetch-site": "none" })).toBe(
    "peer_denied",
  );
});
