// NameServers and masters as processes that can be killed, paused and started again on the same ports with the same store.
import { join } from 'node:path'
import { startApogeeBroker, startApogeeNamesrv } from '../harness/apogee.ts'
import { freePorts } from '../harness/processes.ts'
import { createTopic, waitForRoute } from '../harness/raw-client.ts'
import { Server } from '../harness/server.ts'
import { type BrokerConf, commonBrokerConf } from '../harness/target.ts'

export class Masters {
  readonly namesrvs: readonly Server[]
  readonly brokers: readonly Server[]

  private constructor(namesrvs: readonly Server[], brokers: readonly Server[]) {
    this.namesrvs = namesrvs
    this.brokers = brokers
  }

  static async start(
    dir: string,
    namesrvCount: number,
    brokerCount: number,
    conf: BrokerConf = {},
  ): Promise<Masters> {
    const namesrvPort = await freePorts(namesrvCount)
    const namesrvs = Array.from({ length: namesrvCount }, (_, index) => {
      const name = `namesrv-${index}`
      const port = namesrvPort + index
      return new Server(name, port, async () => {
        return (await startApogeeNamesrv(join(dir, name), port)).running
      })
    })
    const namesrvAddr = namesrvs.map(({ address }) => address).join(';')
    const brokers: Server[] = []
    for (let index = 0; index < brokerCount; index++) {
      const port = (await freePorts(4)) + 2
      const name = `broker-${'abc'[index]}`
      const folder = join(dir, name)
      const brokerConf = { brokerName: name, ...conf }
      const ports = { namesrv: 0, broker: port }
      const whole = commonBrokerConf({ dir, brokerConf }, ports, join(folder, 'store'))
      brokers.push(
        new Server(name, port, async () => {
          return (await startApogeeBroker(folder, whole, namesrvAddr)).running
        }),
      )
    }
    const masters = new Masters(namesrvs, brokers)
    for (const server of [...namesrvs, ...brokers]) await server.start()
    return masters
  }

  get namesrvAddr(): string {
    return this.namesrvs.map(({ address }) => address).join(';')
  }

  /** On every master, and known to every NameServer. */
  async createTopic(topic: string, queuesOfEach: number): Promise<void> {
    for (const broker of this.brokers) await createTopic(broker.address, topic, queuesOfEach)
    for (const namesrv of this.namesrvs) await waitForRoute(namesrv.address, topic)
  }

  async kill(): Promise<void> {
    for (const server of [...this.brokers, ...this.namesrvs]) {
      server.resume()
      await server.kill()
    }
  }
}
