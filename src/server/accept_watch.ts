/**
 * Whether the runtime still accepts connections on a listening socket. It stops for good, without an event, when accept(2)
 * fails once; callers then wait in the kernel's queue, and nobody is told.
 */

export class AcceptWatch {
  #accepted = 0;
  /** How many had been accepted when a connection was last seen waiting; null when none was. */
  #acceptedWhileWaiting: number | null = null;

  /** `isWaiting`: whether a connection waits to be accepted. */
  constructor(private readonly isWaiting: () => boolean) {}

  /** To be called for each connection. */
  accepted(): void {
    this.#accepted += 1;
  }

  /**
   * To be asked every few seconds: true when a connection waited at the last time as well, and none was accepted since. An
   * event loop that got around to asking twice also got around to accepting.
   */
  isStuck(): boolean {
    const waits = this.isWaiting();
    const stuck = waits && this.#acceptedWhileWaiting === this.#accepted;
    this.#acceptedWhileWaiting = waits ? this.#accepted : null;
    return stuck;
  }
}
