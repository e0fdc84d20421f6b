/** `npm run campaign:flood [SECONDS]`: every row for so long (60 by default), and what was seen. */

// deno-lint-ignore-file no-console -- it prints a table

import { FloodedDaemon, ROWS } from "./flood.ts";

const seconds = Number(Deno.args[0] ?? 60);
const wanted = Deno.args[1];

console.log(
  "| row | operator p50, p99, max (ms) | failures | honest/s | refused | flood answers/s | memory (MiB) | alive |",
);
console.log("|---|---|---|---|---|---|---|---|");
await using daemon = await FloodedDaemon.start();
for (const row of ROWS.filter(({ title }) => wanted === undefined || title.includes(wanted))) {
  const seen = await daemon.flood(row, seconds);
  const at = (share: number) =>
    Math.round(seen.operatorMs[Math.floor(share * (seen.operatorMs.length - 1))] ?? NaN);
  const cells = [
    seen.title,
    [0.5, 0.99, 1].map(at).join(", "),
    seen.operatorFailures.length === 0 ? "0" : seen.operatorFailures.slice(0, 3).join("; "),
    Math.round(seen.honestAnswers / seconds),
    seen.honestRefused,
    Math.round(seen.floodAnswers / seconds),
    seen.memoryMib,
    seen.isAlive,
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
console.log(`SIGTERM: exit code ${await daemon.stop()}`);
