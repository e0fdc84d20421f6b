/** A service manager's end of NOTIFY_SOCKET, by Python, which knows abstract names as well. */

const SCRIPT = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace("@", "\\0", 1) if sys.argv[1].startswith("@") else sys.argv[1])
print("bound", flush=True)
while True:
    print(json.dumps(s.recv(65536).decode().split("\\n")), flush=True)
`;

export interface NotifySocket {
  readonly address: string;
  /** The lines of the next datagram. */
  message(): Promise<string[]>;
  /** All datagrams up to and including the first that has this line. */
  until(line: string): Promise<string[][]>;
  close(): Promise<void>;
}

/** `address` is a path, or `@` and an abstract name. Resolves once it is bound. */
export async function openNotifySocket(address: string): Promise<NotifySocket> {
  const process = new Deno.Command("python3", { args: ["-c", SCRIPT, address], stdout: "piped" })
    .spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const nextLine = async (): Promise<string> => {
    while (!text.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error("the listener ended");
      text += value;
    }
    const [first = "", ...rest] = text.split("\n");
    text = rest.join("\n");
    return first;
  };
  const message = async (): Promise<string[]> => JSON.parse(await nextLine());
  if (await nextLine() !== "bound") throw new Error(`${address} cannot be bound`);
  return {
    address,
    message,
    async until(line) {
      const messages = [await message()];
      while (!messages.at(-1)?.includes(line)) messages.push(await message());
      return messages;
    },
    async close() {
      process.kill("SIGKILL");
      await process.status;
      await reader.cancel();
    },
  };
}
