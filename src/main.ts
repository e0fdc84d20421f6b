/** Prints the version. */
import { program } from "./os/program.ts";

await Deno.stdout.write(new TextEncoder().encode(`openexec ${program.version}\n`));
