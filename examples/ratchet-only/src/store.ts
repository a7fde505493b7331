import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createSealer, type Sealer, type SealerDeps } from '@securechat/crypto'
import { decodeFields, encodeFields, textOf, utf8 } from './wire.js'

/** null: the row is deleted. */
export type Changes = ReadonlyMap<string, Uint8Array | null>

const NOTHING = new Uint8Array(0)
const STORED = Uint8Array.of(1)
const DELETED = Uint8Array.of(0)

/** An entry opens only at its own place in the log. */
const place = (index: number): Uint8Array => utf8(`entry ${index}`)

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  await handle.sync().finally(() => handle.close())
}

/** Written whole or not at all: beside its place, synced, renamed. */
async function writeWhole(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(join(folder, `${name}.new`), 'w', 0o600)
  await handle
    .writeFile(bytes)
    .then(() => handle.sync())
    .finally(() => handle.close())
  await rename(join(folder, `${name}.new`), join(folder, name))
  await syncFolder(folder)
}

const absent = (error: NodeJS.ErrnoException): undefined => {
  if (error.code === 'ENOENT') return undefined
  throw error
}

/**
 * Two writers of one store would step one ratchet twice from the same state. The lock is a file with the number of the process that holds it; that
 * of a process which was killed is taken over.
 */
async function lock(folder: string): Promise<void> {
  const path = join(folder, 'lock')
  const holder = Number(await readFile(path, 'utf8').catch(absent))
  if (holder && holder !== process.pid) {
    try {
      process.kill(holder, 0)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      await rm(path, { force: true })
    }
  }
  const handle = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST' ? new Error(`${folder} is in use by process ${holder}`) : error
  })
  await handle.writeFile(String(process.pid)).finally(() => handle.close())
}

/**
 * The key that seals the store. Beside the store it protects a copied log and nothing more: a real application takes it from the keystore of its
 * platform, or from a passphrase (`@securechat/crypto/passphrase`).
 */
async function sealingKey(folder: string, { random }: SealerDeps): Promise<Uint8Array> {
  const known = await readFile(join(folder, 'key')).catch(absent)
  if (known) return known
  const key = random(32)
  await writeWhole(folder, 'key', key)
  return key
}

/** Entries of a log. What a crash has left of the last one is not an entry; anything else that does not open is an error. */
function readLog(log: Uint8Array, sealer: Sealer): { readonly rows: Map<string, Uint8Array>; readonly entries: number } {
  const rows = new Map<string, Uint8Array>()
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength)
  let entries = 0
  for (let at = 0; at + 4 <= log.length; entries++) {
    const end = at + 4 + view.getUint32(at)
    if (end > log.length) break
    let opened: Uint8Array
    try {
      opened = sealer.open(log.subarray(at + 4, end), place(entries))
    } catch (error) {
      if (end === log.length) break
      throw error
    }
    const fields = decodeFields(opened)
    for (let i = 0; i + 2 < fields.length; i += 3) {
      const [key, kept, value] = fields.slice(i, i + 3) as [Uint8Array, Uint8Array, Uint8Array]
      if (kept[0] === 1) rows.set(textOf(key), value)
      else rows.delete(textOf(key))
    }
    at = end
  }
  return { rows, entries }
}

/**
 * All that an application has to have of storage: rows by name, and a commit of several rows that is there as a whole or not at all, also after a
 * power cut, once its promise has resolved. One append-only log of sealed entries, shortened at every start.
 */
export class LogStore {
  readonly #folder: string
  readonly #sealer: Sealer
  readonly #rows: Map<string, Uint8Array>
  readonly #log: FileHandle
  #entries: number
  #failed: unknown

  private constructor(folder: string, { sealer, rows, log, entries }: { sealer: Sealer; rows: Map<string, Uint8Array>; log: FileHandle; entries: number }) {
    this.#folder = folder
    this.#sealer = sealer
    this.#rows = rows
    this.#log = log
    this.#entries = entries
  }

  /** Throws where another process has it, or where the log was changed by something else than a crash. */
  static async open(folder: string, deps: SealerDeps): Promise<LogStore> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await lock(folder)
    const sealer = createSealer(deps, await sealingKey(folder, deps))
    const { rows } = readLog((await readFile(join(folder, 'log')).catch(absent)) ?? NOTHING, sealer)
    // What is left of deleted keys in the old log goes with it, as far as a file system forgets.
    await writeWhole(folder, 'log', sealEntry(sealer, { index: 0, changes: rows }))
    return new LogStore(folder, { sealer, rows, log: await open(join(folder, 'log'), 'a'), entries: 1 })
  }

  get(key: string): Uint8Array | undefined {
    return this.#rows.get(key)
  }

  /** Keys that begin with `prefix`, in their order. */
  keys(prefix: string): string[] {
    return [...this.#rows.keys()].filter((key) => key.startsWith(prefix)).sort()
  }

  /** One at a time. Resolves when all of it is durable; a store that has failed once takes nothing more, since nobody knows what it holds. */
  async commit(changes: Changes): Promise<void> {
    if (this.#failed) throw this.#failed
    try {
      await this.#log.appendFile(sealEntry(this.#sealer, { index: this.#entries++, changes }))
      await this.#log.datasync()
    } catch (error) {
      this.#failed = error
      throw error
    }
    for (const [key, value] of changes) {
      if (value) this.#rows.set(key, value)
      else this.#rows.delete(key)
    }
  }

  async close(): Promise<void> {
    await this.#log.close()
    await rm(join(this.#folder, 'lock'))
  }
}

function sealEntry(sealer: Sealer, { index, changes }: { readonly index: number; readonly changes: Changes }): Uint8Array {
  const fields = [...changes].flatMap(([key, value]) => [utf8(key), value ? STORED : DELETED, value ?? NOTHING])
  const sealed = sealer.seal(encodeFields(fields), place(index))
  const entry = new Uint8Array(4 + sealed.length)
  new DataView(entry.buffer).setUint32(0, sealed.length)
  entry.set(sealed, 4)
  return entry
}
