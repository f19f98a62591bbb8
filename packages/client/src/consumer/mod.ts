export { Consumer } from './consumer.ts'
export { PullConsumer, type SeekTarget, startPullConsumer } from './pull-consumer.ts'
export { startConsumer } from './start-consumer.ts'
