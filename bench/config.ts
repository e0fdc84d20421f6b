/** The configuration of a pool that is measured without a daemon around it. */

import type { Config } from "../src/config/config.ts";
import { environmentOf } from "../src/config/environment.ts";
import { loadConfig } from "../src/config/load.ts";

export function benchConfig(): Config {
  return loadConfig({
    config: null,
    overrides: { state: "/nonexistent", socket: null, mode: "demo" },
    environment: environmentOf({ HOME: "/nonexistent" }),
    cwd: "/",
    read: () => undefined,
    developmentKey: () => null,
  }).config;
}
