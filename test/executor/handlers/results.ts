/** Returns what its payload names: results of every kind. */

import { defineAction } from "openexec";
import * as v from "valibot";

class Money {
  amount = 1;
}

function cyclic(): unknown {
  const value: Record<string, unknown> = {};
  value["self"] = [value];
  return value;
}

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}

const results: Record<string, () => unknown> = {
  // what is not JSON
  nothing: () => undefined,
  function: () => () => 1,
  memberFunction: () => ({ f: () => 1 }),
  symbol: () => Symbol("s"),
  bigint: () => 1n,
  memberBigint: () => [{ n: 1n }],
  nan: () => NaN,
  infinity: () => ({ n: -Infinity }),
  cycle: cyclic,
  tooDeep: () => nested(200),
  date: () => new Date(0),
  map: () => new Map([["a", 1]]),
  instance: () => new Money(),
  bytes: () => new Uint8Array(4),
  regexp: () => ({ r: /x/ }),
  hole: () => Array(3),
  loneSurrogate: () => "\ud800",
  loneSurrogateKey: () => ({ "\ud800": 1 }),
  ownToJson: () => ({ secret: 1, toJSON: () => ({ fine: true }) }),
  boxed: () => Object("text"),
  trapped: () =>
    new Proxy({}, {
      ownKeys() {
        throw new Error("no");
      },
    }),
  // too much of it
  hugeString: () => "x".repeat(100 * 1024 * 1024),
  manyItems: () => Array(10_000_000).fill(1),
  tooManyBytes: () => "\u20ac".repeat(600 * 1024),
  endlessGetters: () => {
    const bottomless: ProxyHandler<object> = {
      ownKeys: () => ["again"],
      getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }),
      get: () => new Proxy({}, bottomless),
    };
    return new Proxy({}, bottomless);
  },
  // JSON after all
  undefinedMember: () => ({ here: 1, gone: undefined }),
  inheritedToJson: () => {
    Object.defineProperty(Object.prototype, "toJSON", {
      value: () => "poisoned",
      enumerable: false,
    });
    return { plain: [1, "two", null, true] };
  },
  largeIntegers: () => [2 ** 53, 1e20, 1e21, -(2 ** 60), Number.MAX_SAFE_INTEGER, -0, 0.1, 5e-324],
  keysLikePrototypes: () => JSON.parse('{"__proto__":{"x":1},"constructor":2,"toJSON":3}'),
  text: () => '\u0000\u2028"\\\u{1f600}',
  nullPrototype: () => Object.assign(Object.create(null), { a: 1 }),
  promised: () => Promise.resolve({ a: 1 }),
};

export default defineAction({
  input: v.strictObject({ result: v.string() }),
  output: v.any(),
  run: ({ result }) => {
    const make = results[result];
    if (make === undefined) throw new Error(`no result ${result}`);
    return make();
  },
});
