/**
 * One keep-alive connection of the load: writes a prepared request, reads one answer, and costs the machine little, because
 * what the client takes of it the daemon has not got.
 */

const HEAD_END = [13, 10, 13, 10];
const decoder = new TextDecoder();

export class LoadConnection {
  readonly #chunk = new Uint8Array(64 * 1024);

  private constructor(private readonly socket: Deno.Conn) {}

  static async open(path: string): Promise<LoadConnection> {
    return new LoadConnection(await Deno.connect({ transport: "unix", path }));
  }

  /** The status of the answer, whose body is read and thrown away. Throws when the connection ends before it does. */
  async exchange(request: Uint8Array): Promise<number> {
    for (let sent = 0; sent < request.length;) sent += await this.socket.write(request.subarray(sent));
    let [length, headEnd] = [0, -1];
    for (; headEnd === -1; headEnd = endOfHead(this.#chunk.subarray(0, length))) {
      length += await this.#read(length);
    }
    const head = decoder.decode(this.#chunk.subarray(0, headEnd));
    const bodyLength = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1]);
    if (Number.isNaN(bodyLength)) throw new Error(`an answer of unknown length: ${head}`);
    for (let left = headEnd + bodyLength - length; left > 0;) left -= await this.#read(0);
    return Number(head.slice(9, 12));
  }

  close(): void {
    this.socket.close();
  }

  async #read(at: number): Promise<number> {
    const count = await this.socket.read(this.#chunk.subarray(at));
    if (count === null) throw new Error("the connection ended before its answer did");
    return count;
  }
}

/** The request as bytes, head and body. */
export function requestBytes(body: string): Uint8Array {
  const bytes = new TextEncoder().encode(body);
  const head =
    `POST /execute HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: ${bytes.length}`;
  return new TextEncoder().encode(`${head}\r\n\r\n${body}`);
}

/** Where the body begins, or -1. */
function endOfHead(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(HEAD_END[0] ?? 0); at !== -1; at = bytes.indexOf(HEAD_END[0] ?? 0, at + 1)) {
    if (HEAD_END.every((byte, i) => bytes[at + i] === byte)) return at + HEAD_END.length;
  }
  return -1;
}
