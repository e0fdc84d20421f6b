/**
 * Who decides in this browser, and the enrolment of a passkey.
 *
 * Enrolment changes nothing by itself: it prints the lines that an operator adds to the
 * configuration.
 */

import { base64Encode, utf8Encode } from "../core/bytes.ts";
import { messageOf } from "../core/caught.ts";
import { isName } from "../core/limits.ts";
import { alarm, announce, element } from "./dom.ts";
import { identity, keepIdentity } from "./identity.ts";
import { enrol } from "./passkey.ts";

/** An authenticator keeps at most as many bytes as the user's id. */
const KEYID_BYTES_MAX = 64;

/** `changed` is called when the page decides for another approver than before. */
export function passkeyView(changed: () => void): HTMLElement {
  const known = identity();
  const name = textField("name", known?.name ?? "");
  const keyid = textField("keyid", known?.keyid ?? "");
  const result = element("div", { "aria-live": "polite" });
  const whenNamed = (act: (name: string, keyid: string) => Promise<void> | void) => () => {
    const fault = faultOf(name.value, keyid.value);
    alarm(fault);
    if (fault === null) void act(name.value, keyid.value);
  };
  const use = whenNamed((approver, key) => {
    keepIdentity({ name: approver, keyid: key });
    announce(`You decide as ${approver}.`);
    changed();
  });
  const make = whenNamed(async (approver, key) => {
    try {
      const publicKey = await enrol({ name: approver, keyid: key });
      keepIdentity({ name: approver, keyid: key });
      result.replaceChildren(...configLines(approver, key, publicKey));
      changed();
    } catch (error) {
      alarm(`No passkey was made: ${messageOf(error)}`);
    }
  });
  return element(
    "div",
    { class: "card proposal who" },
    element(
      "section",
      { class: "fields" },
      element("h2", {}, "Who you are"),
      element(
        "p",
        {},
        "Your decisions are signed with a passkey of this device. The names are those of the ",
        "executor's configuration, or those that you want to have there.",
      ),
      element("label", {}, "Approver", name),
      element("label", {}, "Name of the key", keyid),
      element(
        "div",
        { class: "buttons" },
        element("button", { type: "button", class: "go", click: make }, "Enrol a passkey"),
        element("button", { type: "button", click: use }, "I have one already"),
      ),
      result,
    ),
  );
}

function textField(name: string, value: string): HTMLInputElement {
  return element("input", {
    name,
    value,
    required: true,
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
  });
}

function faultOf(name: string, keyid: string): string | null {
  if (![name, keyid].every(isName)) return "Both names are visible ASCII without spaces.";
  return utf8Encode(keyid).length > KEYID_BYTES_MAX
    ? `The key's name has at most ${KEYID_BYTES_MAX} characters.`
    : null;
}

/** Where the page usually is: a key that says nothing else is taken from there. */
const USUAL_ORIGIN = "http://localhost:8822";

function configLines(name: string, keyid: string, publicKey: Uint8Array): HTMLElement[] {
  const origins = location.origin === USUAL_ORIGIN ? "" : `, origins = ["${location.origin}"]`;
  const key = `{ keyid = ${JSON.stringify(keyid)}, passkey = "${base64Encode(publicKey)}", ` +
    `rp_id = ${JSON.stringify(location.hostname)}${origins} }`;
  const lines = [
    "[[approvers]]",
    `name = ${JSON.stringify(name)}`,
    'actions = ["*"]',
    `keys = [${key}]`,
  ];
  const text = lines.join("\n");
  const copy = () => void navigator.clipboard.writeText(text).then(() => announce("Copied."));
  return [
    element(
      "p",
      {},
      "The passkey is on this device. The executor does not know it yet: its operator adds this " +
        "to the configuration, with the actions that you may approve, and reloads it.",
    ),
    element("pre", { class: "config", tabindex: "0" }, text),
    element("button", { type: "button", click: copy }, "Copy"),
  ];
}
