export { createConnection } from './connection.js'
export type { Channel, ChannelHandlers, NetworkHints, Transport } from './port.js'
export type { Call, CallOptions, Connection, ConnectionOptions, ConnectionSnapshot, ConnectionStatus, LoginContext, LoginProof } from './types.js'
