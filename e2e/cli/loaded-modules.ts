// Imported before the program: tells on standard error which files of ours it has loaded, at its end.
import { registerHooks } from 'node:module'

const loaded: string[] = []
registerHooks({
  load(url, context, next) {
    if (url.includes('/packages/')) loaded.push(url)
    return next(url, context)
  },
})
process.on('exit', () => process.stderr.write(`${loaded.join('\n')}\n`))
