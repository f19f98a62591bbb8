export { Consumer } from './consumer.ts'
export { startConsumer } from './start-consumer.ts'
