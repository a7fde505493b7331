import { SecureChatError } from '@securechat/protocol/core'
import { abortion } from './failures.js'

/** Keeps the cores of a phone or laptop busy in about 16 MiB at the first file (docs/adr/0009); each further lane costs about three chunks. */
const DEFAULT_LANES = 3
const MAX_LANES = 64

export interface LaneOptions {
  /** Chunks in flight at once, 1 to 64, by default 3. Memory grows by about three chunks a lane. */
  readonly lanes?: number
  readonly signal?: AbortSignal
}

interface LaneWork<Job, Done> extends LaneOptions {
  /** The next job, null at the end. Never called before the last call settled. */
  next(): Promise<Job | null>
  /** Runs beside the work of other jobs. */
  work(job: Job): Promise<Done>
  /** Called in the order of the jobs, one after the other. */
  emit(done: Done): Promise<void>
}

export function laneCount({ lanes = DEFAULT_LANES }: LaneOptions): number {
  if (!Number.isInteger(lanes) || lanes < 1 || lanes > MAX_LANES) throw new SecureChatError('client/invalid-argument', { detail: 'lanes' })
  return lanes
}

/**
 * Several jobs at once, results in order, at most `lanes` jobs and results held. Throws what the first job in order throws, or `request/aborted`
 * as soon as the signal is given, whatever hangs; then no more is emitted.
 */
export async function inLanes<Job, Done>({ next, work, emit, ...options }: LaneWork<Job, Done>): Promise<void> {
  const lanes = laneCount(options)
  const aborted = abortion(options.signal)
  const orAborted = <Value>(step: Promise<Value>): Promise<Value> => Promise.race([step, aborted.promise])
  const inFlight: Promise<Done>[] = []
  const emitOldest = async (): Promise<void> => orAborted(emit(await orAborted(inFlight.shift()!)))
  try {
    for (let job = await orAborted(next()); job !== null; job = await orAborted(next())) {
      const result = work(job)
      // Its failure is met when its turn comes; until then it is not an unhandled one.
      result.catch(() => undefined)
      inFlight.push(result)
      if (inFlight.length >= lanes) await emitOldest()
    }
    while (inFlight.length > 0) await emitOldest()
  } finally {
    aborted.stop()
  }
}

/** Buffers of one size that go round: one for each lane, whatever the length of the file. */
export class BufferRing {
  readonly #free: Uint8Array[] = []

  constructor(readonly bytes: number) {}

  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(this.bytes)
  }
  /** Only when nothing reads it any more. */
  give(buffer: Uint8Array): void {
    this.#free.push(buffer)
  }
}
