// For packages of this house that build on the client's connections; no part of the API.
export { type ClientInstance, createClient } from './remote/client.ts'
export { Signer } from './remote/signer.ts'
