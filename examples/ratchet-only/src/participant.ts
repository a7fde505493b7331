import { type CryptoDeps, createCryptoDeps, type LocalDevice, safetyNumber } from '@securechat/crypto'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { isSecureChatError, LIMITS, SecureChatError, systemClock, systemRandom } from '@securechat/protocol'
import { Batch } from './batch.js'
import { contact } from './contacts.js'
import type { Device } from './device.js'
import { download, stageDownload, stageFile } from './files.js'
import { describe, openGroupMessage, stageGroupChange, stageGroupMessage, takeGroupContent } from './group.js'
import { openIdentity } from './identity.js'
import { openMessage, stageMessage } from './pairwise.js'
import { RelayLink, type Row } from './relay-link.js'
import { LogStore } from './store.js'
import { decodeFields, encodeFields, textOf, utf8 } from './wire.js'

export interface ParticipantOptions {
  readonly name: string
  readonly folder: string
  readonly port: number
  /** Shows a line. */
  readonly tell: (line: string) => void
}

const codeOf = (error: unknown): string => {
  if (isSecureChatError(error)) return error.code
  throw error
}
/** Had before: nothing is lost when it is dropped. */
const HAD_BEFORE = new Set(['crypto/duplicate-message', 'crypto/replayed-handshake'])

/** One person's device. Everything that steps a ratchet goes through one queue: the one writer that a store may have. */
export class Participant implements Device {
  readonly name: string
  readonly folder: string
  readonly tell: (line: string) => void
  readonly deps: CryptoDeps
  readonly store: LogStore
  readonly local: LocalDevice
  #link: RelayLink | null = null
  #queue: Promise<void> = Promise.resolve()
  /** Rows that wait for something which has not come, such as a sender key; the relay still has them. */
  #waiting: Row[] = []

  private constructor(options: ParticipantOptions, parts: Pick<Participant, 'deps' | 'store' | 'local'>) {
    this.name = options.name
    this.folder = options.folder
    this.tell = options.tell
    this.deps = parts.deps
    this.store = parts.store
    this.local = parts.local
  }

  static async open(options: ParticipantOptions): Promise<Participant> {
    const deps = createCryptoDeps({ provider: await sodiumProvider(), random: systemRandom, clock: systemClock })
    const store = await LogStore.open(options.folder, deps)
    const local = await openIdentity(store, deps)
    const participant = new Participant(options, { deps, store, local })
    await participant.#connect(options.port)
    return participant
  }

  get link(): RelayLink {
    if (!this.#link) throw new SecureChatError('client/not-found', { detail: 'connection' })
    return this.#link
  }

  async #connect(port: number): Promise<void> {
    const early: Row[] = []
    let take = (row: Row): void => void early.push(row)
    this.#link = await RelayLink.open(port, this.name, (row) => take(row))
    const unpublished = this.store.get('unpublished')
    if (unpublished) {
      await this.link.call('publish', ...decodeFields(unpublished))
      await this.store.commit(new Map([['unpublished', null]]))
    }
    // What an earlier life has committed and perhaps not sent.
    await this.#flush()
    for (const key of this.store.keys('download/')) void this.#later(() => this.#fetch(key))
    take = (row) => void this.#later(() => this.#receive(row))
    for (const row of early) take(row)
  }

  #later(work: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(work).catch((error: unknown) => this.tell(`error: ${isSecureChatError(error) ? error.code : String(error)}`))
    return this.#queue
  }

  /** Commit, THEN send. A crash in between is made good at the next start, with the same bytes under the same id. */
  async #commitAndSend(stage: (batch: Batch) => Promise<void>): Promise<void> {
    const batch = new Batch(this.store)
    await stage(batch)
    await this.store.commit(batch.changes)
    await this.#flush()
  }

  async #flush(): Promise<void> {
    for (const key of this.store.keys('outbox/')) {
      const [to, body] = decodeFields(this.store.get(key) ?? new Uint8Array(0))
      if (to && body) await this.link.call('send', utf8(key), to, body)
      await this.store.commit(new Map([[key, null]]))
    }
  }

  /** Commit, THEN acknowledge: whatever is not acknowledged comes again, and what was committed is then known by its ratchet as a duplicate. */
  async #receive(row: Row): Promise<void> {
    const batch = new Batch(this.store)
    let line: string | null
    try {
      line = await this.#open(row, batch)
    } catch (error) {
      const code = codeOf(error)
      // Nothing has changed, whatever it was.
      this.link.acknowledge(row.row)
      if (!HAD_BEFORE.has(code)) this.tell(`refused from ${row.from}: ${code}`)
      return
    }
    if (line === 'wait') {
      // Above the limit it stays with the relay until the next start: nobody fills this memory.
      if (this.#waiting.length < LIMITS.parkedGroupMessages) this.#waiting.push(row)
      return
    }
    if (line !== null) batch.set(`shown/${String(this.store.keys('shown/').length).padStart(9, '0')}`, utf8(line))
    await this.store.commit(batch.changes)
    this.link.acknowledge(row.row)
    if (line !== null) this.tell(line)
    for (const key of [...batch.changes.keys()].filter((changed) => changed.startsWith('download/'))) await this.#fetch(key)
    for (const waiting of this.#waiting.splice(0)) await this.#receive(waiting)
  }

  async #open({ from, body }: Row, batch: Batch): Promise<string | null> {
    const [kind, bytes] = decodeFields(body)
    if (!bytes) throw new SecureChatError('protocol/malformed', { detail: 'row' })
    if (textOf(kind) === 'group') return openGroupMessage(this, batch, { from, message: bytes })
    const { content, sender } = await openMessage(this, batch, { from, envelope: bytes })
    // From here on the message is authentic and its ratchet has moved, whatever is wrong with the content.
    const further = new Batch(batch)
    try {
      const fields = decodeFields(content)
      const type = textOf(fields[0])
      let line: string | null = null
      if (type === 'text') line = `${from}: ${textOf(fields[1])}`
      else if (type === 'file') stageDownload(further, { from, fields })
      else line = await takeGroupContent(this, further, { from, sender, fields })
      batch.add(further)
      return line
    } catch (error) {
      return `refused from ${from}: ${codeOf(error)}`
    }
  }

  async #fetch(key: string): Promise<void> {
    try {
      await download(this, key)
    } catch (error) {
      const code = codeOf(error)
      // Bytes that are not the sender's will not become so; a relay that could not be reached is asked again at the next start.
      if (code !== 'storage/unavailable') await this.store.commit(new Map([[key, null]]))
      this.tell(`refused file: ${code}`)
    }
  }

  /** Runs one command after what is under way; failures are told. */
  run([command = '', first = '', ...rest]: readonly string[]): Promise<void> {
    return this.#later(() => this.#command(command, { first, rest: rest.join(' ') }))
  }

  async #command(command: string, { first, rest }: { readonly first: string; readonly rest: string }): Promise<void> {
    if (command === 'say') return this.#commitAndSend((batch) => stageMessage(this, batch, { to: first, content: encodeFields([utf8('text'), utf8(rest)]) }))
    if (command === 'file') return this.#commitAndSend((batch) => stageFile(this, batch, { to: first, path: rest }))
    if (command === 'group-say') return this.#commitAndSend((batch) => stageGroupMessage(this, batch, [first, rest].join(' ').trim()))
    if (command === 'group-create') return this.#changeGroup(async () => ({ type: 'create', title: new Uint8Array(0) }))
    if (command === 'group-add')
      return this.#changeGroup(async (batch) => ({ type: 'add', accountId: (await contact(this, batch, first)).accountId, role: 'member' }))
    if (command === 'group-remove') return this.#changeGroup(async (batch) => ({ type: 'remove', accountId: (await contact(this, batch, first)).accountId }))
    if (command === 'group-accept') return this.#changeGroup(async () => ({ type: 'accept' }))
    if (command === 'safety') {
      const batch = new Batch(this.store)
      const other = await contact(this, batch, first)
      await this.store.commit(batch.changes)
      return this.tell(`safety number with ${first}: ${safetyNumber(this.deps.provider, this.local, other)}`)
    }
    if (command === 'history') {
      for (const key of this.store.keys('shown/')) this.tell(`stored: ${textOf(this.store.get(key))}`)
      return
    }
    this.tell(`error: unknown command ${command}`)
  }

  async #changeGroup(change: (batch: Batch) => Promise<Parameters<typeof stageGroupChange>[2]>): Promise<void> {
    await this.#commitAndSend(async (batch) => {
      await stageGroupChange(this, batch, await change(batch))
      this.tell(describe(this, batch))
    })
  }

  async close(): Promise<void> {
    await this.#queue
    this.link.close()
    await this.store.close()
  }
}
