import './node-version.mjs'
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']
const GRACE_MS = 10_000

const running = new Set()
let ending

function send(child, signal) {
  if (!child.ownGroup) child.kill(signal)
  else
    try {
      process.kill(-child.pid, signal)
    } catch (error) {
      // The group may have ended by itself just now.
      if (error.code !== 'ESRCH') throw error
    }
}

/**
 * Children stay in our process group, so that whoever kills the group leaves nothing behind; a signal to this process
 * alone is passed on, and this process ends after its children.
 */
function onSignal(signal) {
  if (ending) return
  ending = signal
  // A terminal's Ctrl-C has reached the whole group already; vitest takes a second one as "end at once, clean nothing up".
  const reachedAll = signal === 'SIGINT' && process.stdin.isTTY
  for (const child of running) if (!reachedAll || child.ownGroup) send(child, signal)
  setTimeout(() => {
    for (const child of running) send(child, 'SIGKILL')
  }, GRACE_MS).unref()
}

function endIfAsked() {
  if (ending && running.size === 0) process.exit(128 + constants.signals[ending])
}

/**
 * Runs a command to its end. With `onLine`, both streams are read line by line and not shown; otherwise they are ours.
 * With `timeout` (milliseconds) it runs in a group of its own, which is killed whole when the time is up.
 * Never rejects for an exit code: resolves with it (a death by signal counts as 128 + its number).
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, shell?: boolean, timeout?: number, onLine?: (line: string) => void }} [options]
 * @returns {Promise<number>}
 */
export function run(command, args, options = {}) {
  const { onLine, timeout, ...rest } = options
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      ...rest,
      detached: timeout !== undefined,
      stdio: onLine ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    })
    if (running.size === 0) for (const signal of SIGNALS) process.on(signal, onSignal)
    child.ownGroup = timeout !== undefined
    running.add(child)
    const timer = timeout && setTimeout(() => send(child, 'SIGKILL'), timeout)
    const streams = onLine ? [child.stdout, child.stderr].map((input) => createInterface({ input })) : []
    for (const lines of streams) lines.on('line', onLine)
    let over = false
    const end = () => {
      over = true
      clearTimeout(timer)
      running.delete(child)
      if (running.size === 0) for (const signal of SIGNALS) process.off(signal, onSignal)
      endIfAsked()
    }
    child.once('error', (error) => {
      end()
      fail(error)
    })
    child.once('close', (code, signal) => {
      if (over) return
      end()
      done(signal ? 128 + constants.signals[signal] : (code ?? 1))
    })
  })
}

/**
 * Like `run`, and collects what was printed.
 * @returns {Promise<{ code: number, output: string }>}
 */
export async function capture(command, args, options = {}) {
  const lines = []
  const code = await run(command, args, { ...options, onLine: (line) => lines.push(line) })
  return { code, output: lines.join('\n') }
}

/** Runs the jobs, at most `width` at a time; the first rejection is passed on after the jobs under way have ended. */
export async function inParallel(jobs, width) {
  const queue = [...jobs]
  const worker = async () => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      try {
        await job()
      } catch (error) {
        queue.length = 0
        throw error
      }
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: width }, worker))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}
