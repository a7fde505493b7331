import {
  type CryptoDeps,
  createAccount,
  createCryptoDeps,
  decryptMessage,
  encryptMessage,
  generatePreKeys,
  type PreKeyBundle,
  type RemoteDevice,
  remoteDevice,
  requiredPreKeys,
  type SessionRecord,
  verifyManifest,
} from '@securechat/crypto'
import { applyGroupOperation, changeGroup, createGroup, type GroupRecord } from '@securechat/crypto/group'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { systemClock, systemRandom } from '@securechat/protocol'
import { fields, fieldsOf, type HostileRelay, textOf } from './ratchet-only.js'

/**
 * A participant of examples/ratchet-only without a program: real keys, real sessions, a real place in the group, everything in the open, and the relay is its accomplice.
 */
export class Insider {
  readonly name: string
  readonly deps: CryptoDeps
  readonly account: ReturnType<typeof createAccount>
  readonly #relay: HostileRelay
  readonly #preKeys: Map<number, Uint8Array>
  readonly sessions = new Map<string, SessionRecord>()
  group: GroupRecord | null = null
  /** Sender keys as they came, by who has sent them. */
  readonly distributions = new Map<string, Uint8Array>()
  readonly #waiting: { ready: () => boolean; done: () => void }[] = []

  static async join(relay: HostileRelay, name: string): Promise<Insider> {
    return new Insider(relay, name, createCryptoDeps({ provider: await sodiumProvider(), random: systemRandom, clock: systemClock }))
  }

  private constructor(relay: HostileRelay, name: string, deps: CryptoDeps) {
    this.#relay = relay
    this.name = name
    this.deps = deps
    this.account = createAccount(deps)
    const { signed, lastResort } = generatePreKeys(deps, { ...this.account.local, firstKeyId: 1, count: 0 })
    this.#preKeys = new Map([signed, lastResort].map((key) => [key.keyId, key.private]))
    const mailbox = relay.mailbox(name)
    Object.assign(mailbox, { keys: [this.account.manifest.bytes, signed.public, lastResort.public] })
    mailbox.listener = (from, body) => this.#receive(from, body)
  }

  device(name: string): RemoteDevice {
    const manifest = verifyManifest(this.deps.provider, this.#relay.mailbox(name).keys[0]!)
    return remoteDevice(manifest, manifest.devices[0]!.deviceId)
  }

  /** Over the pairwise session with `to`; gives the envelope, for the relay to show wherever it likes. */
  encrypt(to: string, content: Uint8Array): Uint8Array {
    const record = this.sessions.get(to) ?? null
    const [, signed, lastResort] = this.#relay.mailbox(to).keys
    const bundle: PreKeyBundle = { signed: signed!, lastResort: lastResort! }
    const result = encryptMessage(this.deps, { record, local: this.account.local, remote: this.device(to), bundle, plaintext: { common: content } })
    this.sessions.set(to, result.record)
    return result.envelope
  }

  send(to: string, ...content: readonly (Uint8Array | string)[]): void {
    this.#relay.deliver(to, this.name, fields('pair', this.encrypt(to, fields(...content))))
  }

  #receive(from: string, body: Uint8Array): void {
    const [kind, bytes] = fieldsOf(body)
    if (textOf(kind) === 'pair') {
      const envelope = bytes!
      const needed = requiredPreKeys(envelope)
      const [signed, kem] = needed ? [this.#preKeys.get(needed.signedPreKeyId), this.#preKeys.get(needed.kemId)] : []
      const preKeys = { ...(signed && { signed }), ...(kem && { kem }) }
      const input = { record: this.sessions.get(from) ?? null, local: this.account.local, remote: this.device(from), envelope, preKeys }
      const result = decryptMessage(this.deps, input)
      this.sessions.set(from, result.record)
      this.#take(from, fieldsOf(result.plaintext.common))
    }
    for (const waiting of this.#waiting) if (waiting.ready()) waiting.done()
  }

  #take(from: string, [type, ...rest]: readonly Uint8Array[]): void {
    if (textOf(type) === 'sender-key') this.distributions.set(from, rest[0]!)
    const operations = textOf(type) === 'invitation' ? rest : textOf(type) === 'operation' ? rest.slice(0, 2) : []
    for (let at = 0; at < operations.length; at += 2) {
      const operation = operations[at]!
      const received = { operation, actor: this.device(textOf(operations[at + 1])) }
      this.group = this.group ? applyGroupOperation(this.deps.provider, this.group, received) : createGroup(this.deps.provider, received)
    }
  }

  accept(to: readonly string[]): void {
    const { operation, record } = changeGroup(this.deps, this.group, { local: this.account.local, change: { type: 'accept' } })
    this.group = record
    for (const name of to) this.send(name, 'operation', operation, this.name)
  }

  /** Resolves once `ready` is true, looked at now and after every message. */
  until(ready: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      if (ready()) return resolve()
      this.#waiting.push({ ready, done: resolve })
    })
  }
}
