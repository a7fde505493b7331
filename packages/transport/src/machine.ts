import { LIMITS, SecureChatError } from '@securechat/protocol'
import { BACKOFF, backoffDelay } from './backoff.js'

/**
 * The life of a connection as a pure function: `step(state, input, {now, jitter})` gives the next state and what to do. No clock,
 * no socket, no promise is in here, so every path can be walked by a test. docs/protocol/06-transport.md cites the invariants.
 *
 *  I1  At most one socket is in use: `open` is only asked for when none is, and each has a number higher than all before.
 *  I2  An input that names another socket than the current one changes nothing.
 *  I3  Whenever a phase can wait for ever on the peer, `deadline` is set; only stopped, signed-out and nothing else have none.
 *  I4  Every socket that was opened or is being opened is closed by exactly one `close` when its phase ends.
 *  I5  After `stop` nothing is opened until `start`.
 *  I6  signed-out opens nothing until `reauthenticate` or `stop` + `start`: no loop against a server that said no.
 *  I7  Between two automatic openings lies a jittered pause, except one immediate opening after `server/draining` of a connection
 *      that has no failures behind it.
 *  I8  `failures` becomes 0 only after an online phase of `BACKOFF.stableMs`, never by a welcome alone: a server that accepts
 *      and drops is backed off from like one that refuses.
 *  I9  A silent peer is found out within two heartbeat times.
 */
export type Phase = 'stopped' | 'opening' | 'greeting' | 'login' | 'hello' | 'online' | 'waiting' | 'signed-out'

export interface MachineState {
  readonly phase: Phase
  /** Number of the current socket, or of the last one. */
  readonly socket: number
  /** Failed tries since the last stable connection. */
  readonly failures: number
  /** Hellos refused in a row for the login they carried. */
  readonly refusals: number
  /** When the next `tick` is due, milliseconds; null: never. */
  readonly deadline: number | null
  /** When the online phase began. */
  readonly onlineSince: number
  /** A heartbeat was sent and nothing was heard since. */
  readonly probing: boolean
  readonly error: SecureChatError | null
  /** The server and this code have no version in common; kept through the rare tries in between. */
  readonly outdated: SecureChatError | null
}

export type Input =
  | { readonly type: 'start' | 'stop' | 'retry' | 'reauthenticate' | 'tick' }
  | { readonly type: 'hint'; readonly online: boolean }
  | { readonly type: 'opened' | 'challenged' | 'greeted' | 'welcomed' | 'heard'; readonly socket: number }
  /** network: the socket or what came over it. login: thrown by the login callback or the cursor. server: said by the server about the connection. */
  | { readonly type: 'failed'; readonly socket: number; readonly by: 'network' | 'login' | 'server'; readonly error: SecureChatError }

export type Effect =
  | { readonly type: 'open' | 'login' | 'ping'; readonly socket: number }
  | { readonly type: 'close'; readonly socket: number; readonly error: SecureChatError }
  /** Calls that wait for a connection cannot be served: reject them. */
  | { readonly type: 'reject-waiting'; readonly error: SecureChatError }
  /** Calls that wait may go out. */
  | { readonly type: 'release' }

export interface Moment {
  /** Milliseconds, never going back. */
  readonly now: number
  /** Uniform in [0, 1), a new one for each step. */
  readonly jitter: number
}

export interface Step {
  readonly state: MachineState
  readonly effects: readonly Effect[]
}

export const HEARTBEAT_MS = LIMITS.heartbeatSeconds * 1_000
const HELLO_MS = LIMITS.helloSeconds * 1_000
/** How long a peer has for a probe that was sent because something suggests that it is gone. */
export const SUSPICIOUS_PROBE_MS = 5_000
/** A tick that comes this late was slept through: the socket is probably dead. */
const SLEPT_MS = 5_000
/** The third refusal in a row is no race with an expiring token any more. */
const REFUSALS_BEFORE_SIGN_OUT = 3

export const initialState: MachineState = {
  phase: 'stopped',
  socket: 0,
  failures: 0,
  refusals: 0,
  deadline: null,
  onlineSince: 0,
  probing: false,
  error: null,
  outdated: null,
}

const HANDSHAKE: readonly Phase[] = ['opening', 'greeting', 'login', 'hello']
const isHandshake = (phase: Phase): boolean => HANDSHAKE.includes(phase)
/** Phases in which a socket exists or is being opened. */
export const hasSocket = (phase: Phase): boolean => phase === 'online' || isHandshake(phase)

const unchanged = (state: MachineState): Step => ({ state, effects: [] })
const closed = (detail: string): SecureChatError => new SecureChatError('network/closed', { detail })

export function step(state: MachineState, input: Input, moment: Moment): Step {
  // I2
  if ('socket' in input && (input.socket !== state.socket || !hasSocket(state.phase))) return unchanged(state)
  switch (input.type) {
    case 'start':
      return state.phase === 'stopped' ? open({ ...state, failures: 0, refusals: 0, outdated: null, error: null }, moment) : unchanged(state)
    case 'stop':
      return stop(state)
    case 'reauthenticate':
      return state.phase === 'stopped' ? unchanged(state) : open({ ...state, refusals: 0 }, moment, closed('signing in again'))
    case 'retry':
      if (state.phase === 'waiting') return open({ ...state, outdated: null }, moment)
      return state.phase === 'online' ? probe(state, moment, SUSPICIOUS_PROBE_MS) : unchanged(state)
    case 'hint':
      // "offline" while waiting changes nothing: the hint may be wrong, and a try costs little.
      if (state.phase === 'waiting') return input.online && !state.outdated ? open(state, moment) : unchanged(state)
      return state.phase === 'online' ? probe(state, moment, SUSPICIOUS_PROBE_MS) : unchanged(state)
    case 'opened':
      // One deadline spans greeting, login and hello, as the server counts it too.
      return state.phase === 'opening' ? { state: { ...state, phase: 'greeting', deadline: moment.now + HELLO_MS }, effects: [] } : unchanged(state)
    case 'challenged':
      return state.phase === 'greeting' ? { state: { ...state, phase: 'login' }, effects: [{ type: 'login', socket: state.socket }] } : unchanged(state)
    case 'greeted':
      return state.phase === 'login' ? { state: { ...state, phase: 'hello' }, effects: [] } : unchanged(state)
    case 'welcomed':
      return state.phase === 'hello' ? welcomed(state, moment) : unchanged(state)
    case 'heard':
      return state.phase === 'online' ? { state: { ...state, probing: false, deadline: moment.now + HEARTBEAT_MS }, effects: [] } : unchanged(state)
    case 'tick':
      return tick(state, moment)
    case 'failed':
      return failed(state, input, moment)
  }
}

function open(state: MachineState, moment: Moment, reason?: SecureChatError): Step {
  const socket = state.socket + 1
  const next: MachineState = { ...state, phase: 'opening', socket, deadline: moment.now + HELLO_MS, probing: false }
  const effects: Effect[] = reason && hasSocket(state.phase) ? [{ type: 'close', socket: state.socket, error: reason }] : []
  return { state: next, effects: [...effects, { type: 'open', socket }] }
}

function stop(state: MachineState): Step {
  if (state.phase === 'stopped') return unchanged(state)
  const error = closed('stopped')
  const effects: Effect[] = hasSocket(state.phase) ? [{ type: 'close', socket: state.socket, error }] : []
  return { state: { ...initialState, socket: state.socket }, effects: [...effects, { type: 'reject-waiting', error }] }
}

function welcomed(state: MachineState, { now }: Moment): Step {
  const next: MachineState = {
    ...state,
    phase: 'online',
    onlineSince: now,
    deadline: now + HEARTBEAT_MS,
    probing: false,
    refusals: 0,
    error: null,
    outdated: null,
  }
  return { state: next, effects: [{ type: 'release' }] }
}

function probe(state: MachineState, { now }: Moment, answerWithin: number): Step {
  const due = now + answerWithin
  // A probe under way keeps its deadline where that is the earlier one: repeated doubts must not extend it.
  const deadline = state.probing && state.deadline !== null ? Math.min(state.deadline, due) : due
  return { state: { ...state, probing: true, deadline }, effects: [{ type: 'ping', socket: state.socket }] }
}

function tick(state: MachineState, moment: Moment): Step {
  if (state.deadline === null || moment.now < state.deadline) return unchanged(state)
  if (state.phase === 'waiting') return open(state, moment)
  if (state.phase === 'online') {
    const slept = moment.now - state.deadline > SLEPT_MS
    // Asleep, the answer to a probe could not be heard either: ask again before giving the socket up.
    if (slept || !state.probing) return probe({ ...state, probing: false }, moment, slept ? SUSPICIOUS_PROBE_MS : HEARTBEAT_MS)
    return failWith(state, closed('heartbeat'), moment)
  }
  return failWith(state, new SecureChatError('network/unreachable', { detail: state.phase === 'opening' ? 'opening' : 'hello' }), moment)
}

function failed(state: MachineState, input: Extract<Input, { type: 'failed' }>, moment: Moment): Step {
  const { by, error } = input
  const signedOut =
    (by === 'login' && error.code.startsWith('auth/') && error.retry !== 'later') ||
    (by === 'server' && error.code.startsWith('auth/') && error.retry === 'after-login')
  const refusals = by === 'server' && error.code.startsWith('auth/') && isHandshake(state.phase) ? state.refusals + 1 : state.refusals
  if (signedOut || refusals >= REFUSALS_BEFORE_SIGN_OUT) {
    const next: MachineState = { ...state, phase: 'signed-out', deadline: null, probing: false, error, outdated: null, refusals: 0 }
    return {
      state: next,
      effects: [
        { type: 'close', socket: state.socket, error },
        { type: 'reject-waiting', error },
      ],
    }
  }
  // In the middle of a connection an odd version byte is damage, not news about the server.
  if (error.code === 'protocol/unsupported-version' && by !== 'login' && (by === 'server' || isHandshake(state.phase))) {
    const next: MachineState = {
      ...state,
      phase: 'waiting',
      failures: state.failures + 1,
      probing: false,
      error,
      outdated: error,
      deadline: outdatedUntil(moment),
    }
    return {
      state: next,
      effects: [
        { type: 'close', socket: state.socket, error },
        { type: 'reject-waiting', error },
      ],
    }
  }
  return failWith({ ...state, refusals }, error, moment)
}

const outdatedUntil = ({ now, jitter }: Moment): number => now + Math.floor(BACKOFF.outdatedMs * (0.5 + jitter / 2))

function failWith(state: MachineState, error: SecureChatError, moment: Moment): Step {
  // I8
  const stable = state.phase === 'online' && moment.now - state.onlineSince >= BACKOFF.stableMs
  const failures = stable ? 0 : state.failures
  const asked = Math.min(BACKOFF.longestMs, (error.retryAfterSeconds ?? 0) * 1_000)
  // I7
  const immediate = error.code === 'server/draining' && state.phase === 'online' && failures === 0
  const pause = immediate ? 0 : Math.max(asked, backoffDelay(failures, moment.jitter))
  const close: Effect = { type: 'close', socket: state.socket, error }
  const next: MachineState = { ...state, failures: failures + 1, error, probing: false }
  if (state.outdated) return { state: { ...next, phase: 'waiting', deadline: outdatedUntil(moment) }, effects: [close] }
  if (immediate) {
    const opened = open(next, moment)
    return { state: opened.state, effects: [close, ...opened.effects] }
  }
  return { state: { ...next, phase: 'waiting', deadline: moment.now + pause }, effects: [close] }
}
