import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { FrameFlag, LanguageCode, RequestCode } from '@apogee/protocol'
import {
  HandlerRegistry,
  handler,
  RemotingClient,
  type RemotingClientOptions,
  type RequestSink,
  success,
} from './mod.ts'
import {
  FakeNet,
  type FakeSocket,
  frameOf,
  framesIn,
  ManualClock,
  parking,
  recordingLogger,
} from './test-support.ts'

const ADDRESS = '10.0.0.1:10911'

function make(options: Partial<RemotingClientOptions> = {}, registry?: HandlerRegistry) {
  const clock = new ManualClock()
  const net = new FakeNet()
  const log = recordingLogger()
  const deps = { env: { clock, net }, log, ...(registry === undefined ? {} : { registry }) }
  return { clock, net, log, client: new RemotingClient(options, deps) }
}

/** The server end of the newest connection, which is made now. */
function accept(net: FakeNet): FakeSocket {
  const { socket } = net.connecting.at(-1)!
  socket.events.connected!()
  return socket
}

function answer(socket: FakeSocket, opaque: number, text: string): void {
  const body = Buffer.from(text)
  socket.deliver(frameOf({ code: 0, opaque, flag: FrameFlag.RESPONSE, body }))
}

test('requests made while connecting are sent once connected, over one connection', async () => {
  const { net, client, clock } = make()
  const calls = [1, 2, 3].map((code) => client.invoke(ADDRESS, { code }, 1_000))
  const sent = client.oneway(ADDRESS, { code: 4 })
  equal(net.connecting.length, 1)
  deepEqual(net.connecting[0]!.options, { host: '10.0.0.1', port: 10911, timeoutMs: 3_000 })
  clock.settle()
  equal(net.connecting[0]!.socket.writes, 0)
  const socket = accept(net)
  await sent
  const asked = framesIn(socket.output())
  deepEqual(
    asked.map(({ code }) => code),
    [1, 2, 3, 4],
  )
  for (const { opaque, code } of asked.slice(0, 3).reverse()) answer(socket, opaque, `r${code}`)
  const responses = await Promise.all(calls)
  deepEqual(
    responses.map(({ body }) => body.toString()),
    ['r1', 'r2', 'r3'],
  )
})

test('each request has its own deadline, connecting included', async () => {
  const { net, client, clock } = make()
  const short = client.invoke(ADDRESS, { code: 1 }, 500)
  const long = client.invoke(ADDRESS, { code: 2 }, 2_000)
  const shortFails = rejects(short, { code: 'REMOTING_TIMEOUT' })
  clock.advance(600)
  await shortFails
  const socket = accept(net)
  answer(socket, framesIn(socket.output())[1]!.opaque, 'in time')
  equal((await long).body.toString(), 'in time')
})

test('a lost connection fails everything in flight once, and the next use connects again', async () => {
  const { net, client, clock } = make()
  const calls = [1, 2, 3].map((code) => client.invoke(ADDRESS, { code }, 1_000))
  const socket = accept(net)
  const fail = Promise.all(calls.map((call) => rejects(call, { code: 'REMOTING_CLOSED' })))
  socket.peerCloses(new Error('ECONNRESET'))
  await fail
  clock.advance(2_000)
  const again = client.invoke(ADDRESS, { code: 4 }, 1_000)
  equal(net.connecting.length, 2)
  const second = accept(net)
  answer(second, framesIn(second.output())[0]!.opaque, 'back')
  equal((await again).body.toString(), 'back')
  equal(client.connections.size, 1)
})

test('what cannot be connected to is a coded error', async () => {
  const { net, client } = make()
  const call = client.invoke(ADDRESS, { code: 1 }, 1_000)
  const oneway = client.oneway(ADDRESS, { code: 1 })
  net.connecting[0]!.socket.peerCloses(new Error('ECONNREFUSED'))
  await rejects(call, { code: 'REMOTING_CONNECT_FAILED', message: /10.0.0.1:10911.*REFUSED/ })
  await rejects(oneway, { code: 'REMOTING_CONNECT_FAILED' })
  for (const address of ['', 'host', 'host:', ':1', 'host:70000', 'a:b:1', '[::1]']) {
    await rejects(client.invoke(address, { code: 1 }, 100), { code: 'REMOTING_CONNECT_FAILED' })
  }
  equal(net.connecting.length, 1)
})

test('a connection that never comes about is given up after the connect time-out', async () => {
  const { net, client, clock } = make({ connectTimeoutMs: 500 })
  const call = client.invoke(ADDRESS, { code: 1 }, 5_000)
  const fails = rejects(call, { code: 'REMOTING_CONNECT_FAILED', message: /connect_timeout/ })
  clock.advance(600)
  await fails
  equal(net.connecting[0]!.socket.gone, true)
})

test('more requests than the limit, or to a server that does not read, are refused at once', async () => {
  const { net, client, clock } = make({
    requestsPerConnectionMax: 2,
    outputPauseBytes: 100_000,
    idleMs: 5_000,
  })
  const calls = [1, 2].map((code) => client.invoke(ADDRESS, { code }, 60_000))
  const third = rejects(client.invoke(ADDRESS, { code: 3 }, 1_000), { code: 'REMOTING_TOO_MANY' })
  clock.settle()
  await third
  const socket = accept(net)
  for (const { opaque } of framesIn(socket.output())) answer(socket, opaque, '')
  await Promise.all(calls)
  socket.stuck = true
  const body = Buffer.alloc(150_000)
  const stuck = client.invoke(ADDRESS, { code: 4, body }, 60_000)
  clock.settle()
  const fifth = rejects(client.invoke(ADDRESS, { code: 5 }, 60_000), { code: 'REMOTING_TOO_MANY' })
  clock.settle()
  await fifth
  await rejects(client.oneway(ADDRESS, { code: 6 }), { code: 'REMOTING_TOO_MANY' })
  equal(socket.paused, false)
  const fails = rejects(stuck, { code: 'REMOTING_CLOSED', message: /idle/ })
  clock.advance(5_200)
  await fails
})

test('a server that asks is answered from the registry, and hears "not supported" without one', () => {
  const { send, parked } = parking()
  const registry = new HandlerRegistry().add(
    send,
    handler({
      code: RequestCode.GET_CONSUMER_RUNNING_INFO,
      lane: 'admin',
      permission: 'client',
      header: { consumerGroup: 'string' },
      handle: (request) => success(Buffer.from(request.header.consumerGroup)),
    }),
  )
  const limits = { unansweredPerConnectionMax: 3 }
  const { net, client } = make(limits, registry)
  void client.oneway(ADDRESS, { code: 1 })
  const socket = accept(net)
  socket.output()
  const fields = new Map([['consumerGroup', 'g1']])
  const ask = (code: number): void => socket.deliver(frameOf({ code, opaque: 9, fields }))
  ask(RequestCode.GET_CONSUMER_RUNNING_INFO)
  ask(RequestCode.CONSUME_MESSAGE_DIRECTLY)
  const [known, unknown] = framesIn(socket.output())
  equal(known!.body!.toString(), 'g1')
  equal(unknown!.code, 3)
  for (let i = 0; i < 5; i++) ask(RequestCode.SEND_MESSAGE_V2)
  equal(parked.length, 3)
  equal(socket.paused, false)
  deepEqual(
    framesIn(socket.output()).map(({ code }) => code),
    [2, 2],
  )
})

test('close fails what is in flight, lets one-ways out, and refuses further use', async () => {
  const { net, client, clock } = make()
  const call = client.invoke(ADDRESS, { code: 1 }, 60_000)
  const connecting = client.invoke('10.0.0.2:1', { code: 1 }, 60_000)
  const socket = net.connecting[0]!.socket
  socket.events.connected!()
  await client.oneway(ADDRESS, { code: 2 })
  const fail = Promise.all(
    [call, connecting].map((one) => rejects(one, { code: 'REMOTING_CLOSED' })),
  )
  const closed = client.close()
  await fail
  deepEqual(
    framesIn(socket.output()).map(({ code }) => code),
    [1, 2],
  )
  equal(socket.ended, true)
  clock.advance(1_100)
  equal(socket.gone, true)
  await closed
  await rejects(client.invoke(ADDRESS, { code: 1 }, 100), { code: 'REMOTING_CLOSED' })
  await client.close()
})

test('a response that cannot be read is an error of that request alone', async () => {
  const { net, client } = make()
  const bad = client.invoke(ADDRESS, { code: 1 }, 60_000)
  const good = client.invoke(ADDRESS, { code: 2 }, 60_000)
  const socket = accept(net)
  const [first, second] = framesIn(socket.output())
  const json = `{"code":0,"flag":1,"opaque":${first!.opaque},"language":"JAVA","version":1,"remark":"\\ud800\\x"}`
  const head = Buffer.alloc(8)
  head.writeInt32BE(json.length + 4)
  head.writeInt32BE(json.length, 4)
  socket.deliver(Buffer.concat([head, Buffer.from(json)]))
  await rejects(bad, { code: 'REMOTING_RESPONSE_MALFORMED' })
  answer(socket, second!.opaque, 'fine')
  equal((await good).body.toString(), 'fine')
})

test('who hears of a new connection can speak first, and our frames name our language', () => {
  const clock = new ManualClock()
  const net = new FakeNet()
  const client = new RemotingClient(
    { language: LanguageCode.NODE_JS, serializeType: 1 },
    {
      env: { clock, net },
      log: recordingLogger(),
      opened: (connection) => connection.oneway(RequestCode.HEART_BEAT, null, null),
    },
  )
  equal(client.peek(ADDRESS), null)
  const connection = client.connection(ADDRESS)
  connection.oneway(1, null, null)
  equal(client.peek(ADDRESS), connection)
  const socket = accept(net)
  clock.settle()
  const output = socket.output()
  const sent = framesIn(output)
  deepEqual(
    sent.map(({ code }) => code),
    [RequestCode.HEART_BEAT, 1],
  )
  equal(output[10], LanguageCode.NODE_JS)
})

test('a sink reads its answer from the frame, and hears of the end of the connection', () => {
  const { clock, net, client } = make()
  const connection = client.connection(ADDRESS)
  const heard: string[] = []
  const sink = (name: string): RequestSink => ({
    answered: (frame) => heard.push(`${name} ${frame.body().toString()}`),
    failed: ({ code }) => heard.push(`${name} ${code}`),
  })
  const socket = accept(net)
  for (const name of ['a', 'b']) {
    const opaque = connection.beginRequest(7, 1_000, sink(name))!
    connection.sendFrame(7, opaque, 0, null, null)
  }
  clock.settle()
  const [first] = framesIn(socket.output())
  answer(socket, first!.opaque, 'yes')
  connection.abort('enough')
  clock.settle()
  equal(connection.beginRequest(7, 1_000, sink('c')), null)
  deepEqual(heard, ['a yes', 'b REMOTING_CLOSED'], 'never before the call has returned')
  clock.settle()
  deepEqual(heard.slice(2), ['c REMOTING_CLOSED'])
})
