/**
 * The bridge of `openexec review --web`: the review page on a loopback port, for the one browser
 * that opened the one-time link.
 *
 * Invariants:
 * - Only the static page is served to whoever asks. Everything else needs the bearer, which exists
 *   in this process and in the page that exchanged the link for it.
 * - The link works once. Its second use means that somebody else has it: the bridge ends, and says
 *   so.
 * - Only our page's own requests are passed on, and nothing of the browser's but what the daemon
 *   needs. So an agent or another user who finds the port learns and does nothing.
 */

import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from "node:http";
import { Buffer } from "node:buffer";
import { randomBytes, timingSafeEqual } from "node:crypto";
import { Refusal } from "../../core/errors.ts";
import { isLocalhost, PAGE_PATH, refuseForeignPages } from "../../server/page.ts";
import { fieldsOf } from "../../server/head.ts";
import { problemReply } from "../../server/reply.ts";

/** The origin that passkeys are enrolled for has this port: another one would not do. */
export const BRIDGE_PORT = 8822;
const SESSION_PATH = "/bridge/session";
const TOKEN_BYTES = 32;
const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** Fields of a browser that the daemon needs. */
const PASSED_ON = ["accept", "accept-encoding", "content-type", "last-event-id", "prefer"];
/** Fields about one connection, not about the answer (RFC 9110 section 7.6.1). */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding"]);

export interface Bridge {
  /** Where the page is, with the one-time token behind `#`: no server ever sees that part. */
  readonly link: string;
  /** Resolves when the bridge ended: "closed" by its owner, or "stolen" by a second use. */
  readonly ended: Promise<"closed" | "stolen">;
  readonly close: () => void;
}

/** Listens on both loopback addresses, as far as there are both. Rejects where one is taken. */
export async function openBridge(socketPath: string, port = BRIDGE_PORT): Promise<Bridge> {
  const link = randomBytes(TOKEN_BYTES).toString("base64url");
  const { promise: ended, resolve: end } = Promise.withResolvers<"closed" | "stolen">();
  const session = new Session(link, () => end("stolen"));
  const servers: Server[] = [];
  const close = () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    end("closed");
  };
  try {
    for (const host of ["127.0.0.1", "::1"]) {
      const server = await listening(host, port, (request, response) => {
        serve(request, response, session, socketPath);
      });
      if (server !== null) servers.push(server);
    }
  } catch (error) {
    close();
    throw error;
  }
  void ended.then(close);
  return { link: `http://localhost:${port}${PAGE_PATH}#link=${link}`, ended, close };
}

/** The link, and the bearer that it was exchanged for. */
class Session {
  #bearer: string | null = null;

  constructor(private readonly link: string, private readonly onStolen: () => void) {}

  /** Returns the bearer for the link's first use. Throws a Refusal peer_denied. */
  open(token: string): string {
    if (!isEqual(token, this.link)) throw new Refusal("peer_denied", "That is not the link.");
    if (this.#bearer !== null) {
      this.onStolen();
      throw new Refusal("peer_denied", "The link was used before: the bridge has ended.");
    }
    return this.#bearer = randomBytes(TOKEN_BYTES).toString("base64url");
  }

  isOpenedBy(authorization: string | undefined): boolean {
    return this.#bearer !== null && isEqual(authorization ?? "", `Bearer ${this.#bearer}`);
  }
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [new TextEncoder().encode(given), new TextEncoder().encode(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Resolves to null where the machine has no such address. */
function listening(
  host: string,
  port: number,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server | null> {
  const { promise, resolve, reject } = Promise.withResolvers<Server | null>();
  const server = createServer(serve);
  server.once("error", (error: NodeJS.ErrnoException) => {
    const isMissing = error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT";
    if (isMissing) resolve(null);
    else reject(error);
  });
  server.listen({ host, port, exclusive: true }, () => resolve(server));
  return promise;
}

function serve(
  request: IncomingMessage,
  response: ServerResponse,
  session: Session,
  socketPath: string,
): void {
  response.on("error", () => {});
  answer(request, response, session, socketPath).catch((error: unknown) => {
    const refusal = error instanceof Refusal ? error : new Refusal("internal_error");
    const reply = problemReply(refusal.code, refusal.detail, "/");
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.writeHead(reply.status, { ...reply.headers, connection: "close" });
    response.end(reply.body);
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  session: Session,
  socketPath: string,
): Promise<void> {
  const { method = "", url = "" } = request;
  const path = url.split("?")[0] ?? "";
  const fields = fieldsOf(request.rawHeaders);
  const isPage = method === "GET" && (path === PAGE_PATH || path.startsWith(`${PAGE_PATH}/`));
  // the file with the link is another site than the page that it leads to
  if (!(isPage && isNavigation(request))) {
    refuseForeignPages("approver", { method, path, query: "", fields, fault: null });
  }
  if (path === SESSION_PATH && method === "POST") {
    const bearer = session.open(tokenOf(await bodyOf(request)));
    response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
    return void response.end(JSON.stringify({ bearer }));
  }
  if (!isPage && !session.isOpenedBy(request.headers.authorization)) {
    throw new Refusal("peer_denied", "Open the link that `openexec review --web` made.");
  }
  await passOn(request, response, socketPath, method === "GET" ? null : await bodyOf(request));
}

/** Somebody follows a link in a window of their own, which shows nothing and sends nothing. */
function isNavigation({ headers }: IncomingMessage): boolean {
  return headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document" &&
    isLocalhost(headers.host ?? "");
}

function tokenOf(body: Uint8Array): string {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    const token = typeof value === "object" && value !== null && "token" in value && value.token;
    if (typeof token === "string") return token;
  } catch {
    // no JSON: no token
  }
  throw new Refusal("request_malformed", "A session needs the token of the link.");
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request) {
    if (!(chunk instanceof Uint8Array)) continue;
    length += chunk.length;
    if (length > BODY_BYTES_MAX) throw new Refusal("request_too_large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Streams the daemon's answer back as it comes: events stay open for hours. */
function passOn(
  { method, url, headers }: IncomingMessage,
  response: ServerResponse,
  socketPath: string,
  body: Uint8Array | null,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const kept = PASSED_ON.flatMap((name) => {
    const value = headers[name];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  const length = body === null ? {} : { "content-length": String(body.length) };
  const passed = httpRequest({
    socketPath,
    method,
    path: url,
    headers: { ...Object.fromEntries(kept), ...length, host: "localhost" },
  }, (given) => {
    const fields = Object.entries(given.headers).filter(([name]) => !HOP_BY_HOP.has(name));
    response.writeHead(given.statusCode ?? 502, Object.fromEntries(fields));
    given.pipe(response);
    given.once("end", resolve);
    given.once("error", reject);
  });
  passed.once("error", () => reject(new Refusal("executor_unavailable", "The daemon is away.")));
  response.once("close", () => passed.destroy());
  passed.end(body);
  return promise;
}
