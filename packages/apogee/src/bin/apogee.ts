import { enableCompileCache } from 'node:module'

// Stripping types and compiling is most of a cold start; the second start finds it done.
enableCompileCache()

const { main } = await import('../main.ts')
await main(process.argv)
