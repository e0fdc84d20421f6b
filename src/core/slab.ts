/**
 * Byte arrays cut from shared buffers, each place once, because to allocate one costs more than to fill it. What is handed
 * out is its caller's: nobody writes there again. One that is kept keeps its whole buffer.
 */
export class Slab {
  #buffer: Uint8Array<ArrayBuffer>;
  #used = 0;

  /** `bytes`: of each buffer. */
  constructor(private readonly bytes: number) {
    this.#buffer = new Uint8Array(bytes);
  }

  /** All zero. What would take more than a quarter of a buffer gets one of its own. */
  take(length: number): Uint8Array<ArrayBuffer> {
    if (length > this.bytes / 4) return new Uint8Array(length);
    if (this.#used + length > this.bytes) {
      this.#buffer = new Uint8Array(this.bytes);
      this.#used = 0;
    }
    return this.#buffer.subarray(this.#used, this.#used += length);
  }
}
