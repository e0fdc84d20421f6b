import { expect, test } from "vitest";
import { Approver, request } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";

type Approved = ReturnType<Approver["approve"]>;

/** Starts a daemon in `directory`, sends it that request and stops it. */
async function execute(directory: string, approved: Approved) {
  const daemon = await Daemon.start({ directory });
  const { json } = await call(daemon.socket, "POST", "/execute", approved);
  await daemon.stop();
  return json;
}

/** A limit, held to what docs/threat-model.md says of it: whoever fixes it has to say so there. */
test("a state directory rolled back where no anchor is kept has forgotten what was used since", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "openexec-rollback-" });
  const approver = new Approver("alice");
  const empty = await Daemon.start({
    directory,
    config: `executor_id = "openexec:test"\n${approver.toml()}`,
  });
  await empty.stop();
  const approved = approver.approve(request("echo", {}));
  const [state, kept] = [`${directory}/state`, `${directory}/kept`];
  await new Deno.Command("cp", { args: ["-a", state, kept] }).output();
  expect(await execute(directory, approved)).toMatchObject({
    status: "succeeded",
    replayed: false,
  });
  expect(await execute(directory, approved)).toMatchObject({ status: "succeeded", replayed: true });
  Deno.removeSync(state, { recursive: true });
  Deno.renameSync(kept, state);
  expect(await execute(directory, approved)).toMatchObject({
    status: "succeeded",
    replayed: false,
  });
  Deno.removeSync(directory, { recursive: true });
});

test("a ledger that is made anew beside the old keys runs nothing that was approved before", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "openexec-rollback-" });
  const approver = new Approver("alice");
  const first = await Daemon.start({
    directory,
    config: `executor_id = "openexec:test"\n${approver.toml()}`,
  });
  const approved = approver.approve(request("echo", {}));
  const { json } = await call(first.socket, "POST", "/execute", approved);
  expect(json).toMatchObject({ status: "succeeded" });
  await first.stop();
  for (const folder of ["ledger", "vault"]) {
    Deno.removeSync(`${directory}/state/${folder}`, { recursive: true });
  }
  expect(await execute(directory, approved)).toMatchObject({ code: "approval_fenced" });
  const later = approver.approve(request("echo", {}));
  expect(await execute(directory, later)).toMatchObject({ status: "succeeded", replayed: false });
  Deno.removeSync(directory, { recursive: true });
});
