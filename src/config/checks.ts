/**
 * Keys that are each well-formed but contradict one another. Nothing here looks at the file system.
 *
 * A combination that would weaken a guarantee (two approvers with one key) or could never work is
 * refused. One that is merely unlikely to be meant gets a warning.
 */

import { basename, isAbsolute } from "node:path";
import { emptySeats, seatsJson, seatsText } from "../core/approvers_needed.ts";
import { base64Encode, utf8Encode } from "../core/bytes.ts";
import { couldMeet } from "../core/keys/verifying_key.ts";
import { isName } from "../core/limits.ts";
import type { ActionConfig, ApproverPublicKey, Config } from "./config.ts";
import type { KeyPath, NoteProblem } from "./config_error.ts";
import { BUILTINS } from "./defaults.ts";

const CLAWSHIELD = "clawshield";
const KEY_NAMES = { ed25519: "public_key", sshsig: "ssh", passkey: "passkey" } as const;

export function checkConfig(config: Config, refuse: NoteProblem, warn: NoteProblem): void {
  checkSockets(config, refuse);
  checkApprovers(config, refuse);
  for (const action of config.actions.values()) {
    checkModule(config, action, refuse);
    checkRerun(config, action, refuse);
    checkApprovals(config, action, refuse, warn);
  }
  checkTenant(config, refuse);
  checkCommand(["checkpoints", "command"], config.checkpoints.command, refuse);
  checkCommand(["notify", "command"], config.notify.command, refuse);
  warnOfUnknownActions(config, warn);
}

/**
 * unix(7): sun_path holds 108 bytes, the last of them NUL. A socket is made in a folder beside its
 * path, `PATH~/s`, which takes three more.
 */
const SOCKET_PATH_BYTES_MAX = 104;

function checkCommand(
  where: KeyPath,
  command: readonly string[] | null,
  refuse: NoteProblem,
): void {
  const program = command?.[0];
  if (program !== undefined && !isAbsolute(program)) {
    refuse(where, "the program's path has to be absolute");
  }
}

function checkSockets({ sockets, mode }: Config, refuse: NoteProblem): void {
  const names = new Seen();
  sockets.forEach(({ path, role }, index) => {
    const where = ["sockets", index, "path"];
    if (role === "approver" && mode === "demo") {
      refuse(["sockets", index, "role"], "in demo mode nothing waits for approvers");
    }
    const name = basename(path);
    if (utf8Encode(path).length > SOCKET_PATH_BYTES_MAX) {
      refuse(where, `longer than the ${SOCKET_PATH_BYTES_MAX} bytes a socket's path can have`);
    }
    if (!isName(name)) {
      refuse(where, "the file name has to be 1 to 255 visible ASCII characters, no space");
    }
    if (names.again(name)) {
      refuse(
        where,
        `another socket has the file name ${name} too; ` +
          "receipts and `sub` tell sockets apart by it",
      );
    }
  });
}

function checkApprovers({ approvers, clawshield }: Config, refuse: NoteProblem): void {
  const names = new Seen();
  const keyids = new Seen();
  const keys = new Seen(clawshield === null ? [] : [base64Encode(clawshield.publicKey)]);
  approvers.forEach((approver, index) => {
    const where = ["approvers", index];
    if (approver.name === CLAWSHIELD) {
      refuse([...where, "name"], `"${CLAWSHIELD}" is the name of [clawshield]; choose another`);
    }
    if (names.again(approver.name)) refuse([...where, "name"], "another approver has this name");
    approver.keys.forEach((key, keyIndex) => {
      const at = [...where, "keys", keyIndex];
      if (keyids.again(key.keyid)) refuse([...at, "keyid"], "another key has this keyid");
      if (keys.again(base64Encode(key.publicKey))) {
        refuse(
          [...at, KEY_NAMES[key.kind]],
          "this key is listed already: one key would count as two approvers",
        );
      }
      if (key.notBefore !== null && key.notAfter !== null && key.notBefore >= key.notAfter) {
        refuse([...at, "not_after"], "not after not_before: the key would never be valid");
      }
    });
  });
}

function checkModule(
  { mode }: Config,
  { name, module, digest }: ActionConfig,
  refuse: NoteProblem,
): void {
  const where = ["actions", name];
  if ("builtin" in module) {
    if (!BUILTINS.includes(module.builtin)) {
      refuse(
        [...where, "module"],
        `no such built-in; there are ${BUILTINS.map((b) => `builtin:${b}`).join(", ")}`,
      );
    }
    if (digest !== null) {
      refuse([...where, "digest"], "only a handler in a file has a digest to pin");
    }
  } else if (mode === "enforced" && digest === null) {
    refuse(
      [...where, "digest"],
      "missing; in enforced mode a handler is pinned, and `openexec pin` prints its digest",
    );
  }
}

function checkRerun(config: Config, action: ActionConfig, refuse: NoteProblem): void {
  if (action.onInterrupt !== "rerun") return;
  const where = ["actions", action.name, "on_interrupt"];
  const { payloadMs = config.retention.payloadMs } = action.retention;
  if (!action.idempotent) {
    refuse(where, '"rerun" needs idempotent = true: it may run a second time');
  }
  if (payloadMs === null) {
    refuse(where, '"rerun" needs the payload, which retention.payload = "none" never stores');
  }
}

/** Compares the approvals an action needs with those that its approvers could give. */
function checkApprovals(
  config: Config,
  action: ActionConfig,
  refuse: NoteProblem,
  warn: NoteProblem,
): void {
  if (config.mode === "demo" || unfillableSeats(config, action) === 0) return;
  const where = ["actions", action.name, "approvals"];
  if (action.approvals > 1 || action.groups.size > 0) {
    const needed = seatsText(seatsJson(action));
    refuse(where, `needs ${needed}, and too few may approve it so: it could never run`);
  } else if (config.developmentApprover === null) {
    warn(where, "no approver may approve this action: it can never run");
  }
}

function checkTenant({ tenant, clawshield }: Config, refuse: NoteProblem): void {
  if (tenant !== null && clawshield !== null && clawshield.tenant !== tenant) {
    refuse(["clawshield", "tenant"], `has to equal tenant = ${JSON.stringify(tenant)}`);
  }
}

function warnOfUnknownActions(config: Config, warn: NoteProblem): void {
  const lists = [
    ...config.sockets.map(({ actions }, index) => ({
      actions,
      where: ["sockets", index, "actions"],
    })),
    ...config.approvers.map(({ actions }, index) => ({
      actions,
      where: ["approvers", index, "actions"],
    })),
  ];
  for (const { actions, where } of lists) {
    for (const name of actions ?? []) {
      if (name !== "*" && !config.actions.has(name)) {
        warn(where, `no action is called ${JSON.stringify(name)}`);
      }
    }
  }
}

/** Finds what comes twice. */
class Seen {
  readonly #values: Set<string>;
  constructor(values: readonly string[] = []) {
    this.#values = new Set(values);
  }

  /** Whether `value` was asked for before. */
  again(value: string): boolean {
    const seen = this.#values.has(value);
    this.#values.add(value);
    return seen;
  }
}

/**
 * Returns how many seats of the action nobody could take, with keys that count and are strong
 * enough. An artifact of OpenExec 0.1.10 goes with no signature of another: [clawshield] is alone.
 */
export function unfillableSeats(
  { approvers, clawshield }: Pick<Config, "approvers" | "clawshield">,
  action: Pick<ActionConfig, "name" | "approvals" | "groups" | "require">,
  counts: (key: ApproverPublicKey) => boolean = () => true,
): number {
  const isFor = ({ actions }: { readonly actions: ReadonlySet<string> }) =>
    actions.has("*") || actions.has(action.name);
  const able = approvers.filter((approver) =>
    isFor(approver) && approver.keys.some((key) => counts(key) && couldMeet(key, action.require))
  );
  const isLegacy = clawshield !== null && isFor(clawshield) && action.require === "any";
  const alone = isLegacy ? [{ groups: new Set<string>() }] : [];
  return Math.min(emptySeats(action, able), emptySeats(action, alone));
}
