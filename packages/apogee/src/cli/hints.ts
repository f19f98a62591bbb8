// What to do about an error, by its code; errors that bring a hint of their own keep it.

const HINTS: Readonly<Record<string, string>> = {
  ADMIN_NAMESRV_UNREACHABLE:
    'is a NameServer running there? -n names another, `apogee start` starts one',
  RMQ_NAMESERVER_UNREACHABLE:
    'is a NameServer running there? -n names another, `apogee start` starts one',
  ADMIN_BROKER_UNREACHABLE: '`apogee doctor` tells which advertised addresses this machine reaches',
  RMQ_BROKER_UNREACHABLE: '`apogee doctor` tells which advertised addresses this machine reaches',
  ADMIN_TOPIC_NOT_FOUND: '`apogee topic list` shows the topics there are',
  RMQ_TOPIC_NOT_FOUND: '`apogee topic list` shows the topics there are',
  ADMIN_GROUP_NOT_FOUND: '`apogee group list` shows the groups there are',
  ADMIN_CLUSTER_NOT_FOUND: '`apogee cluster list` shows the clusters there are',
  ADMIN_BROKER_NOT_FOUND: '`apogee cluster list` shows the brokers there are',
  ADMIN_NO_PERMISSION: 'keys come from --context, or from APOGEE_ACCESS_KEY and APOGEE_SECRET_KEY',
  RMQ_NO_PERMISSION: 'keys come from --context, or from APOGEE_ACCESS_KEY and APOGEE_SECRET_KEY',
  ADMIN_BUSY: 'try again in a moment',
  RMQ_BROKER_BUSY: 'try again in a moment; --rate and --in-flight lower the load',
  ADMIN_USAGE: '--help shows the options',
  RMQ_NO_QUEUE: '`apogee topic route TOPIC` shows its queues and their permissions',
  RMQ_SEND_TIMEOUT: 'the message may have been stored; --timeout waits longer',
  RMQ_TIMEOUT: '--timeout waits longer',
  RMQ_MESSAGE_TOO_LARGE: 'the broker sets the limit: maxMessageSize',
  CONTEXT_NOT_FOUND: '`apogee context list` shows the contexts there are',
}

export function hintFor(code: string): string | null {
  return HINTS[code] ?? null
}
