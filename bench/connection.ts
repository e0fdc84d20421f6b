/**
 * One keep-alive connection of the load: writes a prepared request, reads one answer, and costs the
 * machine little, because what the client takes of it the daemon has not got.
 */

import { Buffer } from "node:buffer";

const HEAD_END = "\r\n\r\n";

export class LoadConnection {
  readonly #chunk = Buffer.alloc(64 * 1024);

  private constructor(private readonly socket: Deno.Conn) {}

  static async open(path: string): Promise<LoadConnection> {
    return new LoadConnection(await Deno.connect({ transport: "unix", path }));
  }

  /**
   * The status of the answer, whose body is read and thrown away. Throws when the connection ends
   * before it does.
   */
  async exchange(request: Uint8Array): Promise<number> {
    for (let sent = 0; sent < request.length;) {
      sent += await this.socket.write(request.subarray(sent));
    }
    let [length, headLength] = [0, -1];
    for (; headLength === -1; headLength = this.#chunk.subarray(0, length).indexOf(HEAD_END)) {
      length += await this.#read(length);
    }
    const head = this.#chunk.toString("latin1", 0, headLength);
    const bodyLength = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1]);
    if (Number.isNaN(bodyLength)) throw new Error(`an answer of unknown length: ${head}`);
    for (let left = headLength + HEAD_END.length + bodyLength - length; left > 0;) {
      left -= await this.#read(0);
    }
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
  const fields = `Host: bench\r\nContent-Type: application/json\r\nContent-Length: ${
    Buffer.byteLength(body)
  }`;
  return Buffer.from(`POST /execute HTTP/1.1\r\n${fields}${HEAD_END}${body}`);
}
