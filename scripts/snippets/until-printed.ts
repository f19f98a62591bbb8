// Goes with every snippet that prints: remembers what was printed, and waits for what is still to come.

let printed = ''
let changed = (): void => {}
const original = console.log

console.log = (...values: unknown[]): void => {
  original(...values)
  printed += `${values.map(String).join(' ')}\n`
  changed()
}

/** Resolves when these texts have been printed, in this order. Whoever runs the program limits the time. */
export async function untilPrinted(texts: readonly string[]): Promise<void> {
  while (!isPrinted(texts)) {
    await new Promise<void>((resolve) => {
      changed = resolve
    })
  }
}

function isPrinted(texts: readonly string[]): boolean {
  let at = 0
  for (const text of texts) {
    const found = printed.indexOf(text, at)
    if (found < 0) return false
    at = found + text.length
  }
  return true
}
