/** The agents that `openexec mcp --help` recognises, and the line that connects each. */

interface Agent {
  readonly name: string;
  /** A file or folder of the home folder that its users have. */
  readonly trace: string;
  readonly line: (command: string) => string;
}

const AGENTS: readonly Agent[] = [
  {
    name: "Claude Code",
    trace: ".claude.json",
    line: (command) => `claude mcp add openexec -- ${command}`,
  },
  {
    name: "Codex",
    trace: ".codex",
    line: (command) => `codex mcp add openexec -- ${command}`,
  },
  {
    name: "OpenClaw",
    trace: ".openclaw",
    line: (command) => `openclaw mcp set openexec '${definitionOf(command)}'`,
  },
];

/** Says how to connect the agents of this user; `isThere` looks into the home folder. */
export function connectingLines(
  program: string,
  isThere: (trace: string) => boolean,
): readonly string[] {
  const command = `${program} mcp`;
  const known = AGENTS.filter(({ trace }) => isThere(trace)).map(({ name, line }) =>
    `${name}: ${line(command)}`
  );
  return known.length > 0 ? known : [`"mcpServers": { "openexec": ${definitionOf(command)} }`];
}

function definitionOf(command: string): string {
  const [program = "", ...args] = command.split(" ");
  return JSON.stringify({ command: program, args });
}
