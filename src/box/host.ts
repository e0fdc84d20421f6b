/** The parts of a `net` permission, such as `api.example.com:443` or `[::1]`. */

export interface Host {
  /** null: any. */
  readonly port: number | null;
  /** Whether it is an address, so that no name has to be looked up. */
  readonly isAddress: boolean;
  /** Whether it is this machine, so that a listener may be meant. */
  readonly isLocal: boolean;
}

const LOCAL = /^(?:localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[::1?\])$/i;
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[.*\])$/;

/** `entry` has the form that the configuration accepts. */
export function hostOf(entry: string): Host {
  const [, host = "", port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [];
  return {
    port: port === undefined ? null : Number(port),
    isAddress: ADDRESS.test(host),
    isLocal: LOCAL.test(host),
  };
}
