/** From a request line to a route of the table. */

import { Refusal } from "../core/errors.ts";
import type { Role } from "../core/types.ts";
import { type Route, ROUTES } from "./routes.ts";

export interface Match {
  readonly route: Route;
  readonly parameter: string;
}

/** Throws a Refusal: route_not_found, method_not_allowed, admin_only, in this order. */
export function matchRoute(method: string, path: string, role: Role): Match {
  const candidates = routesOf(path);
  const route = candidates.find((candidate) => candidate.method === method);
  if (candidates.length === 0) throw new Refusal("route_not_found");
  if (route === undefined) throw new Refusal("method_not_allowed");
  if (route.role === "admin" && role !== "admin") throw new Refusal("admin_only");
  return { route, parameter: parameterOf(route.path, path) ?? "" };
}

/** For the Allow field of a 405 (RFC 9110 section 10.2.1). */
export function allowedMethods(path: string): string {
  return routesOf(path).map(({ method }) => method).join(", ");
}

/** The routes under the first pattern that fits: `/receipts/verify` is no receipt. */
function routesOf(path: string): readonly Route[] {
  const first = ROUTES.find((route) => parameterOf(route.path, path) !== null);
  return first === undefined ? [] : ROUTES.filter((route) => route.path === first.path);
}

/** What stands for the segment in braces, "" without one; null when the path does not fit. */
function parameterOf(pattern: string, path: string): string | null {
  const open = pattern.indexOf("{");
  if (open === -1) return path === pattern ? "" : null;
  const segment = path.slice(open);
  return path.startsWith(pattern.slice(0, open)) && segment !== "" && !segment.includes("/")
    ? segment
    : null;
}
