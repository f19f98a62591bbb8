// For packages of this house that build on the client's connections; no part of the API.
export { ClientInstance, createClient, nameServerAddresses } from './remote/client.ts'
export type { Client, Members, Remote, Routes, TopicRoute } from './remote/contract.ts'
export { errorOfResponse } from './remote/errors.ts'
export { NameServers, type NameServersDeps } from './remote/name-servers.ts'
export { Signer } from './remote/signer.ts'
