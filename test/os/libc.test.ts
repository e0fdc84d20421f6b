import net from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { descriptorLimit, markDescriptorsCloseOnExec } from "../../src/os/descriptors.ts";
import { fileStatus, realPath } from "../../src/os/files.ts";
import { groupId } from "../../src/os/groups.ts";
import {
  cString,
  ECONNREFUSED,
  errno,
  errorText,
  fileCalls,
  socketCalls,
} from "../../src/os/libc.ts";
import { descriptorOf, peerCredentials } from "../../src/os/peer_credentials.ts";
import { pathOfAddress, unixAddress } from "../../src/os/unix_address.ts";
import { bindUnixListener } from "../../src/os/unix_socket.ts";
import { testWith } from "../support/tools.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

test("text with NUL is no text for a system call", () => {
  expect([...cString("ab")]).toEqual([97, 98, 0]);
  expect(() => cString("a\0b")).toThrow(TypeError);
});

test("errors have their number and their words", () => {
  expect(fileCalls().close(-1)).toBe(-1);
  expect(errorText(errno())).toBe("Bad file descriptor");
  expect(errorText(ECONNREFUSED)).toBe("Connection refused");
});

test("the kernel names the peer of a Unix socket", async () => {
  const directory = Deno.makeTempDirSync();
  const path = join(directory, "a.sock");
  const listener = net.createServer();
  const accepted = Promise.withResolvers<net.Socket>();
  listener.on("connection", accepted.resolve);
  listener.listen({ fd: bindUnixListener(path, 0o600, null).descriptor });
  const client = net.connect(path);
  const socket = await accepted.promise;
  const credentials = peerCredentials(descriptorOf(socket) ?? -1);
  expect(credentials).toEqual({ pid: Deno.pid, uid: Deno.uid(), gid: Deno.gid() });
  client.destroy();
  socket.destroy();
  listener.close();
  Deno.removeSync(directory, { recursive: true });
});

test("where there is no peer, none is named", () => {
  expect(peerCredentials(-1)).toBeUndefined();
  expect(peerCredentials(0)).toBeUndefined();
  expect(descriptorOf(new net.Socket())).toBeUndefined();
  const unconnected = socketCalls().socket(1, 1, 0);
  expect(peerCredentials(unconnected)).toBeUndefined();
  fileCalls().close(unconnected);
});

test("groups are found by name", () => {
  const [name = "", , id = ""] = (Deno.readTextFileSync("/etc/group").split("\n")[0] ?? "").split(
    ":",
  );
  expect(groupId(name)).toBe(Number(id));
  expect(groupId("no-such-group-here")).toBeUndefined();
});

test("a file's status is that of the file itself, not of what it leads to", () => {
  const directory = Deno.makeTempDirSync();
  Deno.chmodSync(directory, 0o1751);
  const link = join(directory, "link");
  Deno.symlinkSync("/etc", link);
  const status = fileStatus(directory);
  expect([status?.kind, status?.mode, status?.uid]).toEqual(["directory", 0o1751, Deno.uid()]);
  expect(fileStatus(link)?.kind).toBe("link");
  expect(fileStatus(join(directory, "none"))).toBeUndefined();
  expect(() => fileStatus("/etc/passwd/x")).toThrow();
  expect(realPath(link)).toBe("/etc");
  expect(realPath(join(directory, "none"))).toBeUndefined();
  expect(fileStatus(directory)?.identity).not.toBe(fileStatus("/etc")?.identity);
  Deno.removeSync(directory, { recursive: true });
});

test("an address holds its path, and an abstract one its name", () => {
  expect([...unixAddress("/a")]).toEqual([1, 0, 47, 97, 0]);
  expect([...unixAddress("@a")]).toEqual([1, 0, 0, 97]);
  expect(pathOfAddress(unixAddress("/run/ü.sock"), 110)).toBe("/run/ü.sock");
  expect(pathOfAddress(unixAddress("@a"), 4)).toBeUndefined();
  expect(unixAddress(`/${"x".repeat(106)}`)).toHaveLength(110);
  expect(() => unixAddress(`/${"x".repeat(107)}`)).toThrow(RangeError);
});

testWith("sh")("no descriptor is inherited once they are marked", async () => {
  const file = fileCalls().open(cString("/dev/null"), 0);
  const inherited = async () => {
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `test -e /proc/self/fd/${file} && echo yes || echo no`],
    })
      .output();
    return new TextDecoder().decode(stdout).trim();
  };
  expect(await inherited()).toBe("yes");
  markDescriptorsCloseOnExec();
  expect(await inherited()).toBe("no");
  fileCalls().close(file);
});

testWith("sh")("the descriptor limit is the process's own", async () => {
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `sed -n 's/^Max open files *//p' /proc/${Deno.pid}/limits`],
  }).output();
  expect(descriptorLimit()).toBe(parseInt(new TextDecoder().decode(stdout)));
});

testWith("env", "sh")(
  "a process becomes another and keeps its pid, with its arguments and its environment",
  async () => {
    const script = `
    import { replaceProcess } from "${ROOT}src/os/exec.ts";
    console.log(Deno.pid);
    const show = 'echo "$$ $1 [$2]"; exec env -u PWD -u SHLVL -u _ -u OLDPWD';
    replaceProcess("/bin/sh", ["-c", show, "sh", "ä b", ""], { PATH: "/usr/bin:/bin", ONLY: "ü" });
  `;
    const args = ["eval", "--no-lock", "--cached-only", script];
    const { stdout, code } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
    const [pid, ...rest] = new TextDecoder().decode(stdout).trim().split("\n");
    expect([code, rest.sort()]).toEqual([
      0,
      [`${pid} ä b []`, "ONLY=ü", "PATH=/usr/bin:/bin"].sort(),
    ]);
  },
);

test("a program that cannot be started leaves the process as it was", async () => {
  const { replaceProcess } = await import("../../src/os/exec.ts");
  expect(() => replaceProcess("/nonexistent/program", [], {})).toThrow(/No such file/);
});
