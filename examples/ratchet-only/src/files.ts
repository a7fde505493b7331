import { createReadStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { decodeAttachmentDescriptor, decryptAttachment, encodeAttachmentDescriptor, encryptAttachment } from '@securechat/crypto/attachment'
import { fileSink, nodeChunkCipher } from '@securechat/crypto/node'
import { SecureChatError, toBase64Url } from '@securechat/protocol'
import { Batch } from './batch.js'
import type { Device } from './device.js'
import { stageMessage } from './pairwise.js'
import { decodeFields, encodeFields, textOf, utf8 } from './wire.js'

const cipher = nodeChunkCipher()
const folderOf = async ({ folder }: Device): Promise<string> => {
  await mkdir(join(folder, 'files'), { recursive: true, mode: 0o700 })
  return join(folder, 'files')
}

/**
 * From file to file in bounded memory: encrypted beside the store, uploaded from there, then named in a message that holds the key. The staged ciphertext is
 * what an upload that broke off goes on from; the same file encrypted again is another container under another key.
 */
export async function stageFile(who: Device, batch: Batch, { to, path }: { readonly to: string; readonly path: string }): Promise<void> {
  const id = toBase64Url(who.deps.random(16))
  const staged = join(await folderOf(who), `${id}.upload`)
  try {
    const descriptor = await encryptAttachment(
      { ...who.deps, cipher },
      // Small chunks, so that a small file shows many of them; by default they have 1 MiB.
      { content: createReadStream(path), to: fileSink(staged), mediaType: 'application/octet-stream', chunkBits: 12 },
    )
    await who.link.putBlob(id, createReadStream(staged))
    const content = encodeFields([utf8('file'), utf8(basename(path)), encodeAttachmentDescriptor(descriptor), utf8(id)])
    await stageMessage(who, batch, { to, content })
    who.tell(`sent ${basename(path)}`)
  } finally {
    await rm(staged, { force: true })
  }
}

/** The message is acknowledged once this row is committed; the download itself may be cut off and begin again at the next start. */
export function stageDownload(batch: Batch, { from, fields }: { readonly from: string; readonly fields: readonly Uint8Array[] }): void {
  const [, name, descriptor, id] = fields
  if (!name || !descriptor || !id || !/^[\w-]{22}$/.test(textOf(id))) throw new SecureChatError('protocol/malformed', { detail: 'file' })
  decodeAttachmentDescriptor(descriptor)
  batch.set(`download/${textOf(id)}`, encodeFields([utf8(from), name, descriptor]))
}

/** Whole and genuine, or not there at all: `decryptAttachment` commits the sink after the last check and aborts it otherwise. */
export async function download(who: Device, key: string): Promise<void> {
  const [from, name, descriptor] = decodeFields(who.store.get(key) ?? new Uint8Array(0))
  const id = key.slice('download/'.length)
  // The sender chooses the name: it may not lead anywhere.
  const path = join(await folderOf(who), `${id}-${textOf(name).replaceAll(/[^\w.-]/g, '_')}`)
  await decryptAttachment(
    { ...who.deps, cipher },
    { descriptor: decodeAttachmentDescriptor(descriptor ?? new Uint8Array(0)), from: await who.link.getBlob(id), to: fileSink(path) },
  )
  const batch = new Batch(who.store)
  batch.set(key, null)
  await who.store.commit(batch.changes)
  who.tell(`${textOf(from)} sent a file: ${path}`)
}
