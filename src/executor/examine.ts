/**
 * What a start has to know before anything runs: that the box is shut, and what handlers take and give.
 *
 * Invariant: the process that tried every door of the box is the one that then loads handlers, so that whatever stands at the
 * top of their files runs in no box that was not tested.
 */

import { type HandlerCode, readHandler } from "../actions/pin.ts";
import { program } from "../os/program.ts";
import { verifyBox } from "./box_check.ts";
import { describeHandlers, groupsOf, type HandlerSchemas } from "./describe.ts";
import { examinerPurpose } from "./examiner.ts";
import type { Launcher } from "./launch.ts";

/** No action's name. */
const PROBE = "(probe)";

type Examiners = Pick<Launcher, "layout" | "prepare" | "start">;

/** Schemas by the names of the handlers. */
export type Schemas = ReadonlyMap<string, HandlerSchemas>;

/** Throws a StartupError when the box is not shut, or a handler cannot be used. */
export async function examine(
  handlers: ReadonlyMap<string, HandlerCode>,
  launcher: Examiners,
): Promise<Schemas> {
  const { schemas, over } = await beginExamination(handlers, launcher);
  return await schemas.finally(() => over);
}

export interface Examination {
  /** As examine() gives them. Where it rejects, nothing is left of the process. */
  readonly schemas: Promise<Schemas>;
  /** Resolves when nothing is, soon after `schemas` has. */
  readonly over: Promise<void>;
}

/** Resolves once the process boots. */
export async function beginExamination(
  handlers: ReadonlyMap<string, HandlerCode>,
  launcher: Examiners,
): Promise<Examination> {
  const groups = groupsOf(handlers);
  const probe = await readHandler(program.probe);
  const converter = await readHandler(program.schemaConverter);
  await launcher.prepare([probe, ...handlers.values()]);
  const process = launcher.start({
    ...examinerPurpose(launcher.layout, groups.length),
    handlers: new Map([[PROBE, probe], ...handlers]),
  }, () => {});
  const work = async () => {
    try {
      await verifyBox(process, PROBE, launcher.layout.importMap);
      return await describeHandlers(process, handlers, groups, converter);
    } finally {
      process.retire();
    }
  };
  const schemas = work().catch(async (error: unknown) => {
    await process.exited;
    throw error;
  });
  schemas.catch(() => {}); // whoever waits for it is told
  return { schemas, over: process.exited };
}
