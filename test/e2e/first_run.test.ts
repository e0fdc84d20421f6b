import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Daemon, openexec } from "../support/daemon.ts";
import { call } from "../support/http.ts";
import { homeAt } from "../support/runtime_cache.ts";
import { testWith } from "../support/tools.ts";

let daemon: Daemon;

beforeAll(async () => {
  daemon = await Daemon.start();
});
afterAll(() => daemon.close());

/** The line of the start-up output that shows a way to run something, pasted into a shell as a person would. */
function paste(containing: string): string {
  const line = daemon.output.find((candidate) => candidate.includes(containing))?.trim();
  if (line === undefined) {
    throw new Error(`no line with ${containing} in:\n${daemon.output.join("\n")}`);
  }
  const bin = new URL("../../bin", import.meta.url).pathname;
  return execFileSync(
    "bash",
    ["-o", "pipefail", "-c", line.replaceAll("npx openexec", "openexec")],
    {
      encoding: "utf8",
      env: {
        PATH: `${bin}:${Deno.env.get("PATH")}`,
        ...homeAt(daemon.directory),
        XDG_RUNTIME_DIR: `${daemon.directory}/run`,
        XDG_STATE_HOME: `${daemon.directory}/state`,
      },
    },
  );
}

test("the first start names the development approver, and says so wherever trust is shown", async () => {
  const output = daemon.output.join("\n");
  expect(output).toContain("development_approver");
  expect(output).toContain("approver.key");
  const { json } = await call(daemon.socket, "GET", "/health");
  expect(json).toMatchObject({
    status: "healthy",
    exec_mode: "enforced",
    development_approver: true,
  });
});

test("socket, state and key are for this user only", () => {
  const mode = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o777;
  expect(mode(daemon.socket)).toBe(0o600);
  expect(mode(`${daemon.directory}/state/openexec`)).toBe(0o700);
  expect(mode(`${daemon.directory}/state/openexec/approver.key`)).toBe(0o600);
});

test("the pasted pipe of request, approve and exec runs echo", () => {
  const printed = paste("openexec exec");
  expect(printed).toContain("succeeded");
});

testWith("curl")("the pasted curl line runs echo", () => {
  expect(JSON.parse(paste("curl"))).toMatchObject({
    status: "succeeded",
    result: { msg: "hello" },
  });
});

testWith("socat")("the pasted socat line runs echo", () => {
  const [head = "", body = ""] = paste("socat").split("\r\n\r\n");
  expect(head).toMatch(/^HTTP\/1\.[01] 200 /);
  expect(JSON.parse(body)).toMatchObject({ status: "succeeded", result: { msg: "hello" } });
});

testWith("curl", "socat")(
  "curl, socat and the command line get the same answer to the same request",
  async () => {
    const made = await openexec(daemon, ["request", "echo", '{"msg":"same"}']);
    const key = `${daemon.directory}/state/openexec/approver.key`;
    const approved = await openexec(daemon, ["approve", "--key", key, "--yes", "-"], made.stdout);
    expect(approved.code).toBe(0);
    const first = await openexec(daemon, ["exec", "--json", "-"], approved.stdout);
    const byCommand = JSON.parse(first.stdout);
    const body = approved.stdout.trim();
    const byCurl = JSON.parse(
      execFileSync("curl", [
        "-sS",
        "--unix-socket",
        daemon.socket,
        "--json",
        body,
        "http://localhost/execute",
      ], {
        encoding: "utf8",
      }),
    );
    const raw = execFileSync("socat", ["-t", "30", "-", `UNIX-CONNECT:${daemon.socket}`], {
      encoding: "utf8",
      input: `POST /execute HTTP/1.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    });
    const bySocat = JSON.parse(raw.split("\r\n\r\n")[1] ?? "");
    expect(byCommand).toMatchObject({ status: "succeeded", replayed: false });
    expect(byCurl).toEqual({ ...byCommand, replayed: true });
    expect(bySocat).toEqual(byCurl);
  },
);

test("a second daemon on the same state is refused with the first one's pid", async () => {
  const second = await openexec(daemon, ["serve"]);
  expect(second.code).toBe(2);
  expect(second.stderr).toContain(String(daemon.pid));
});
