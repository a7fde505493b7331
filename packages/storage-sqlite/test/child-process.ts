import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

/** Runs one of `processes/*.ts` from source. */
export function startProcess(name: string, ...parameters: readonly string[]): ChildProcess {
  const file = resolve(import.meta.dirname, 'processes', `${name}.ts`)
  return spawn(process.execPath, ['--conditions=@securechat/source', '--import', TSX, file, ...parameters], { stdio: ['pipe', 'pipe', 'pipe'] })
}

/** Waits for its first line. */
export function firstOutput(child: ChildProcess): Promise<void> {
  return new Promise((resolveOutput, reject) => {
    child.stdout?.once('data', () => resolveOutput())
    child.once('close', (code) => reject(new Error(`process ended with ${code} and said nothing`)))
  })
}

/** Everything it printed, once it ended by itself. */
export function finished(child: ChildProcess): Promise<string> {
  let [output, problems] = ['', '']
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  child.stderr?.on('data', (chunk) => {
    problems += chunk
  })
  return new Promise((resolveOutput, reject) => {
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolveOutput(output) : reject(new Error(`process ended with ${code}: ${problems}`))))
  })
}
