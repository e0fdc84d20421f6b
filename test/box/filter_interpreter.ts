/** Classic BPF over struct seccomp_data, as far as filters of a box use it. */

import type { FilterNeeds, Machine } from "../../src/box/filter.ts";

export const MACHINES: readonly Machine[] = ["x86_64", "aarch64"];

export const NEEDS = ["net", "names", "listen", "unix", "write", "run"] as const;

/** All combinations. */
export const EVERY_NEED: readonly FilterNeeds[] = Array.from(
  { length: 1 << NEEDS.length },
  (_, bits) => {
    const [net, names, listen, unix, write, run] = NEEDS.map((_need, i) => (bits >> i & 1) === 1);
    return {
      net: net === true,
      names: names === true,
      listen: listen === true,
      unix: unix === true,
      write: write === true,
      run: run === true,
    };
  },
);

export interface Call {
  readonly machine: Machine | "i386";
  readonly number: number;
  /** Six registers; those that are not given are 0. */
  readonly args?: readonly bigint[];
}

const AUDIT = { x86_64: 0xc000_003e, aarch64: 0xc000_00b7, i386: 0x4000_0003 };
const ERRORS: ReadonlyMap<number, string> = new Map([
  [0, "0"],
  [1, "EPERM"],
  [38, "ENOSYS"],
  [95, "ENOTSUP"],
]);

/**
 * Returns what the filter answers: ALLOW, KILL or the name of an errno. Throws an Error for a
 * broken program.
 */
export function run(program: readonly number[], call: Call): string {
  const data = dataOf(call);
  let accumulator = 0;
  for (let at = 0; at < program.length / 2; at++) {
    const [word = 0, operand = 0] = [program[2 * at], program[2 * at + 1]];
    const [code, ifTrue, ifFalse] = [word & 0xffff, word >>> 16 & 0xff, word >>> 24];
    switch (code) {
      case 0x20: // BPF_LD | BPF_W | BPF_ABS
        accumulator = data.getUint32(operand, true);
        break;
      case 0x54: // BPF_ALU | BPF_AND | BPF_K
        accumulator = (accumulator & operand) >>> 0;
        break;
      case 0x15: // BPF_JMP | BPF_JEQ | BPF_K
        at += accumulator === operand ? ifTrue : ifFalse;
        break;
      case 0x35: // BPF_JMP | BPF_JGE | BPF_K
        at += accumulator >= operand ? ifTrue : ifFalse;
        break;
      case 0x06: // BPF_RET | BPF_K
        return answerOf(operand);
      default:
        throw new Error(`no instruction ${code}`);
    }
  }
  throw new Error("the program ends without an answer");
}

function dataOf({ machine, number, args = [] }: Call): DataView {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, AUDIT[machine], true);
  for (const [i, value] of args.entries()) data.setBigUint64(16 + 8 * i, value, true);
  return data;
}

function answerOf(value: number): string {
  if (value === 0x7fff_0000) return "ALLOW";
  if (value === 0x8000_0000) return "KILL";
  const error = (value & 0xffff_0000) === 0x0005_0000 ? ERRORS.get(value & 0xffff) : undefined;
  if (error === undefined) throw new Error(`no answer ${value}`);
  return error;
}
