/** Ports that every package takes injected; nothing reads a global clock, randomness or console. */

/** `now` in milliseconds UTC; timers are started and cancelled through it, so that tests own the time. */
export interface Clock {
  now(): number
  /** Calls back once after `milliseconds`; the returned function cancels it (again: no effect). */
  after(milliseconds: number, callback: () => void): () => void
}

/** `length` bytes from a cryptographic source. */
export type Random = (length: number) => Uint8Array

/** Fields hold counts, durations, codes and ids of nothing personal; never contents, keys, tokens, numbers or names. */
export interface Logger {
  debug(event: string, fields?: Readonly<Record<string, string | number | boolean>>): void
  info(event: string, fields?: Readonly<Record<string, string | number | boolean>>): void
  warn(event: string, fields?: Readonly<Record<string, string | number | boolean>>): void
  error(event: string, fields?: Readonly<Record<string, string | number | boolean>>): void
}

export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** The machine's clock. Timers do not keep a Node process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, callback) {
    const timer: unknown = setTimeout(callback, milliseconds)
    if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as { unref(): void }).unref()
    return () => clearTimeout(timer as ReturnType<typeof setTimeout>)
  },
}

/** `crypto.getRandomValues`, in pieces of its 65,536-byte limit. */
export const systemRandom: Random = (length) => {
  const out = new Uint8Array(length)
  for (let at = 0; at < length; at += 65_536) globalThis.crypto.getRandomValues(out.subarray(at, Math.min(length, at + 65_536)))
  return out
}
