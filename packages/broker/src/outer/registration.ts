import {
  type ExtFields,
  encodeHeader,
  encodeRegisterBrokerBody,
  PermName,
  RegisterBrokerRequestHeader,
  registerBodyCrc32,
} from '@apogee/protocol'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { TopicConfig } from '../topic/topic-config.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'

/** Where this broker is found, once its ports are known. */
export interface BrokerAddresses {
  /** host:port for clients. */
  readonly brokerAddr: string
  /** host:port for slaves. */
  readonly haServerAddr: string
}

/** A REGISTER_BROKER request, the same for every NameServer. */
export interface Registration {
  readonly fields: ExtFields
  readonly body: Buffer
}

const READ_WRITE = PermName.READ | PermName.WRITE

/** Makes registrations; the last full one is kept, since every NameServer and every period wants the same. */
export class RegistrationBuilder {
  private readonly config: BrokerConfig
  private readonly topics: TopicConfigManager
  private readonly addresses: BrokerAddresses
  private full: Registration | null = null
  private fullKey = ''
  /** The broker is about to leave: no topic is writable any more. */
  isRetired = false

  constructor(config: BrokerConfig, topics: TopicConfigManager, addresses: BrokerAddresses) {
    this.config = config
    this.topics = topics
    this.addresses = addresses
  }

  /** A registration of `changed` topics, or of all. A NameServer takes the former only after one of the latter. */
  build(changed: readonly TopicConfig[] | null): Registration {
    if (changed !== null) return this.encode(changed)
    const { stateVersion, timestamp, counter } = this.topics.dataVersion
    const { compressedRegister } = this.config.values
    const key = `${stateVersion},${timestamp},${counter},${this.permission},${compressedRegister}`
    if (this.full === null || key !== this.fullKey) {
      this.full = this.encode([...this.topics.all()])
      this.fullKey = key
    }
    return this.full
  }

  private encode(topics: readonly TopicConfig[]): Registration {
    const { brokerName, brokerClusterName, brokerId, compressedRegister } = this.config.values
    const { stateVersion, timestamp, counter } = this.topics.dataVersion
    const body = encodeRegisterBrokerBody(
      {
        topicConfigSerializeWrapper: {
          topicConfigTable: new Map(topics.map((topic) => [topic.topicName, this.seen(topic)])),
          dataVersion: { stateVersion, timestamp, counter },
          topicQueueMappingInfoMap: new Map(),
          topicQueueMappingDetailMap: new Map(),
          mappingDataVersion: { stateVersion: 0, timestamp, counter: 0 },
        },
        filterServerList: [],
      },
      compressedRegister,
    )
    const fields = encodeHeader(RegisterBrokerRequestHeader, {
      brokerName,
      clusterName: brokerClusterName,
      brokerId,
      ...this.addresses,
      enableActingMaster: false,
      compressed: compressedRegister,
      bodyCrc32: registerBodyCrc32(body),
    })
    return { fields, body }
  }

  /** A slave's topics count while no master is registered: for readers then. */
  private get permission(): number {
    const { brokerId, brokerPermission } = this.config.values
    const isWritable = brokerId === 0 && !this.isRetired
    return isWritable ? brokerPermission : brokerPermission & ~PermName.WRITE
  }

  /** A topic as the broker's own permission lets it be seen. */
  private seen(topic: TopicConfig): TopicConfig {
    const { permission } = this
    const isOpen = (permission & READ_WRITE) === READ_WRITE
    return isOpen ? topic : topic.with({ perm: topic.perm & permission })
  }
}
