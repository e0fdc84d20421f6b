import { defineAction } from "openexec";
import * as v from "valibot";

const LOADING_MS = 1_500;

/** So slow that a test can do something while the daemon starts, which loads every handler once. */
await new Promise((resolve) => setTimeout(resolve, LOADING_MS));

export default defineAction({ input: v.object({}), output: v.object({}), run: () => ({}) });
