import type { Capabilities, Welcome } from '@securechat/protocol'
import type { MachineState } from './machine.js'
import type { ConnectionSnapshot, ConnectionStatus } from './types.js'

export function statusOf({ phase, outdated }: MachineState): ConnectionStatus {
  if (phase === 'stopped' || phase === 'signed-out' || phase === 'online') return phase
  if (outdated) return 'update-required'
  return phase === 'waiting' ? 'offline' : 'connecting'
}

interface Known {
  readonly account: Welcome['account'] | undefined
  readonly capabilities: Capabilities | null
  readonly serverTimeOffset: number
  /** A machine time as wall clock time. */
  readonly toWall: (time: number) => number
}

/** The previous object when nothing in it would differ, so that views compare by identity. */
export function snapshotOf(state: MachineState, known: Known, previous: ConnectionSnapshot): ConnectionSnapshot {
  const status = statusOf(state)
  const retryAt = state.phase === 'waiting' && state.deadline !== null ? known.toWall(state.deadline) : undefined
  const error = state.error ?? undefined
  const account = status === 'online' ? known.account : undefined
  const capabilities = known.capabilities ?? undefined
  const { serverTimeOffset } = known
  if (
    previous.status === status &&
    previous.retryAt === retryAt &&
    previous.error === error &&
    previous.account === account &&
    previous.capabilities === capabilities &&
    previous.serverTimeOffset === serverTimeOffset
  ) {
    return previous
  }
  return Object.freeze({
    status,
    serverTimeOffset,
    ...(retryAt !== undefined && { retryAt }),
    ...(error && { error }),
    ...(account && { account }),
    ...(capabilities && { capabilities }),
  })
}
