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
import { KeptSchemas } from "./kept_schemas.ts";
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
  const probe = await readHandler(program.probe);
  const converter = await readHandler(program.schemaConverter);
  const kept = new KeptSchemas(launcher.layout, converter);
  const unknown = new Map([...handlers].filter(([, code]) => kept.of(code) === undefined));
  const groups = groupsOf(unknown);
  await launcher.prepare([probe, ...handlers.values()]);
  const process = launcher.start({
    ...examinerPurpose(launcher.layout, groups.length),
    handlers: new Map([[PROBE, probe], ...unknown]),
  }, () => {});
  const work = async () => {
    try {
      await verifyBox(process, PROBE, launcher.layout.importMap);
      const read = await describeHandlers(process, unknown, groups, converter);
      return schemasOf(handlers, kept, read);
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

/** What was kept of handlers, and what was read of the others, which is kept now. */
function schemasOf(
  handlers: ReadonlyMap<string, HandlerCode>,
  kept: KeptSchemas,
  read: Schemas,
): Schemas {
  const known = [...handlers].flatMap(([name, code]) => {
    const schemas = kept.of(code) ?? read.get(name);
    return schemas === undefined ? [] : [{ name, code, schemas }];
  });
  kept.keep(known.map(({ code, schemas }) => [code, schemas]));
  return new Map(known.map(({ name, schemas }) => [name, schemas]));
}
