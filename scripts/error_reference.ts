/** docs/errors.md, from the table the daemon answers with. */

import { ERROR_CODES, ERRORS } from "../src/core/errors.ts";
import { cell } from "./config_reference.ts";

const INTRODUCTION = `# Errors

Generated from src/core/errors.ts by \`npm run docs\`. The table is closed, and its order is the
order in which causes are decided: of several causes the first is answered (\`nonce_reused\` stands
where a peer's own nonce is looked at; another peer's is only met in the reservation, after
\`ledger_unavailable\`; the last three stand outside of the order).

Every refusal is \`application/problem+json\` (RFC 9457) with \`code\`, \`effect\` and \`retry\`
beside the standard members. Decide on \`code\`, never on the words.

- **effect** says what may have happened: \`none\`, nothing ran; \`unknown\`, it may have.
- **retry** says what to do: \`never\`, not without a change or a look downstream; \`same_request\`,
  send the very same request again, with the same nonce; \`new_approval\`, ask for an approval
  first.

| | code | status | effect | retry | what to do |
|---|---|---|---|---|---|
`;

export function errorReference(): string {
  const rows = ERROR_CODES.map((code, index) => {
    const { status, effect, retry, help } = ERRORS[code];
    return `| ${index + 1} | \`${code}\` | ${status} | ${effect} | ${retry} | ${cell(help)} |`;
  });
  return `${INTRODUCTION}${rows.join("\n")}\n`;
}
