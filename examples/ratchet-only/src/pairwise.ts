import {
  compareManifestRef,
  decodeSession,
  decryptMessage,
  encodeSession,
  encryptMessage,
  needsBundle,
  type PairwiseSender,
  requiredPreKeys,
} from '@securechat/crypto'
import type { Batch } from './batch.js'
import { bundleOf, contact } from './contacts.js'
import type { Device } from './device.js'
import { encodeFields, textOf, utf8 } from './wire.js'

/** Puts bytes into the outbox. What is sent later, and after a crash again, are these very bytes. */
export function stageSend(batch: Batch, to: string, body: Uint8Array): void {
  const number = Number(textOf(batch.get('outbox-next') ?? utf8('1')))
  batch.set('outbox-next', utf8(String(number + 1)))
  batch.set(`outbox/${String(number).padStart(9, '0')}`, encodeFields([utf8(to), body]))
}

/** Encrypts for one contact. The stepped ratchet and the envelope are in one batch, so that neither is ever there without the other. */
export async function stageMessage(who: Device, batch: Batch, { to, content }: { readonly to: string; readonly content: Uint8Array }): Promise<void> {
  const remote = await contact(who, batch, to)
  const stored = batch.get(`session/${to}`)
  const record = stored ? decodeSession(stored) : null
  const bundle = needsBundle(record, who.deps) ? await bundleOf(who, batch, to) : undefined
  const result = encryptMessage(who.deps, { record, local: who.local, remote, plaintext: { common: content }, ...(bundle && { bundle }) })
  batch.set(`session/${to}`, encodeSession(result.record))
  stageSend(batch, to, encodeFields([utf8('pair'), result.envelope]))
}

export interface Opened {
  readonly content: Uint8Array
  /** Who it is authenticated to come from, whatever the relay has said. */
  readonly sender: PairwiseSender
}

/** The session after the message, and the deletion of the one-time key that it has used, are in the batch. */
export async function openMessage(who: Device, batch: Batch, { from, envelope }: { readonly from: string; readonly envelope: Uint8Array }): Promise<Opened> {
  const remote = await contact(who, batch, from)
  const stored = batch.get(`session/${from}`)
  const needed = requiredPreKeys(envelope)
  const signed = needed && batch.get(`prekey/${needed.signedPreKeyId}`)
  const kem = needed && batch.get(`prekey/${needed.kemId}`)
  const result = decryptMessage(who.deps, {
    record: stored ? decodeSession(stored) : null,
    local: who.local,
    remote,
    envelope,
    preKeys: { ...(signed && { signed }), ...(kem && { kem }) },
  })
  batch.set(`session/${from}`, encodeSession(result.record))
  if (result.consumed.oneTimePreKeyId !== undefined) batch.set(`prekey/${result.consumed.oneTimePreKeyId}`, null)
  // What the other side believes of us: a relay that shows different people different manifests is found out here.
  if (compareManifestRef(who.local.manifest, result.echo.recipient) === 'fork') who.tell(`warning: ${from} was shown another manifest of ours`)
  if (result.pqStalled) who.tell(`warning: somebody withholds the post-quantum ratchet's chunks between us and ${from}`)
  return { content: result.plaintext.common, sender: result.sender }
}
