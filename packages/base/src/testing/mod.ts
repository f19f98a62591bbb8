export { replayScript } from './replay-script.ts'
