import { expect, test } from "vitest";
import { Approver, request } from "../support/approver.ts";
import { Daemon } from "../support/daemon.ts";
import { call } from "../support/http.ts";

/** A limit, held to what docs/threat-model.md says of it: whoever fixes it has to say so there. */
test("a state directory rolled back where no anchor is kept has forgotten what was used since", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "openexec-rollback-" });
  const approver = new Approver("alice");
  const approved = approver.approve(request("echo", {}));
  const execute = async () => {
    const daemon = await Daemon.start({ directory });
    const { json } = await call(daemon.socket, "POST", "/execute", approved);
    await daemon.stop();
    return json;
  };

  const empty = await Daemon.start({
    directory,
    config: `executor_id = "openexec:test"\n${approver.toml()}`,
  });
  await empty.stop();
  const [state, kept] = [`${directory}/state`, `${directory}/kept`];
  await new Deno.Command("cp", { args: ["-a", state, kept] }).output();
  expect(await execute()).toMatchObject({ status: "succeeded", replayed: false });
  expect(await execute()).toMatchObject({ status: "succeeded", replayed: true });
  Deno.removeSync(state, { recursive: true });
  Deno.renameSync(kept, state);
  expect(await execute()).toMatchObject({ status: "succeeded", replayed: false });
  Deno.removeSync(directory, { recursive: true });
});
