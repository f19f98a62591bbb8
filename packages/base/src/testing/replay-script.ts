// Scripts of pure cores: blocks of commands, `----`, and what they answer, with empty lines between them. Lines with # are
// kept.

/** The script again, each block with what `run` answers its commands now, line by line. */
export function replayScript(text: string, run: (command: string) => readonly string[]): string {
  const blocks = text.trimEnd().split(/\n\n+/)
  return `${blocks.map((block) => replayBlock(block, run)).join('\n\n')}\n`
}

function replayBlock(block: string, run: (command: string) => readonly string[]): string {
  const lines = block.split('\n')
  const end = lines.indexOf('----')
  const commands = end < 0 ? lines : lines.slice(0, end)
  if (commands.every((line) => line.startsWith('#'))) return commands.join('\n')
  const answers: string[] = []
  for (const line of commands) {
    if (!line.startsWith('#')) answers.push(...run(line))
  }
  return [...commands, '----', ...answers].join('\n')
}
