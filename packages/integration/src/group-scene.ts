import { pad } from '@securechat/crypto'
import { concatBytes, encodeSenderKeyHeader, idToBytes, LABELS, parseT, readU32, T, u32, u64 } from '@securechat/protocol'
import { messageSecrets, stepped } from './forgery.js'
import { Insider } from './insider.js'
import { fields, type Person, ratchetOnly } from './ratchet-only.js'

/** Alice's group with Bob, two processes, and Mallory, who is a member with all rights of one and has the relay on her side. */
export async function groupScene() {
  const system = await ratchetOnly()
  const [alice, bob] = [await system.person('alice'), await system.person('bob')]
  const mallory = await Insider.join(system.relay, 'mallory')
  alice.do('group-create')
  alice.do('group-add bob')
  await bob.sees(/^alice invites/)
  bob.do('group-accept')
  await alice.sees(/^group 2:/)
  alice.do('group-add mallory')
  await mallory.until(() => mallory.group !== null)
  await bob.sees(/^group 3:/)
  mallory.accept(['alice', 'bob'])
  for (const one of [alice, bob]) await one.sees(/^group 4: alice bob mallory$/)
  return { ...system, alice, bob, mallory }
}

/** Everything that a sender key's distribution gives to whoever gets it. */
export function chainOf(distribution: Uint8Array) {
  const [, , , chainId, next, chainKey] = parseT(distribution, LABELS.senderKeyDistribution)
  return { chainId: chainId!, next: readU32(next!, 0), chainKey: chainKey! }
}

/** The key of a chain's message n, from a distribution of an earlier place. */
export function messageKeyAt({ deps }: Insider, distribution: Uint8Array, n: number): Uint8Array {
  let { chainKey, next } = chainOf(distribution)
  for (; next < n; next++) chainKey = stepped(deps.provider, chainKey, LABELS.senderKeyChain).chainKey
  return stepped(deps.provider, chainKey, LABELS.senderKeyChain).messageKey
}

export interface GroupForgery {
  readonly chainId: Uint8Array
  readonly counter: number
  /** Whose message it claims to be. */
  readonly as: { readonly accountId: string; readonly deviceId: number }
}

/** Header and associated data of a message to the group, in its present state (docs/protocol/08-groups.md). */
export function groupHeader({ deps, group }: Insider, { chainId, counter, as }: GroupForgery): { readonly header: Uint8Array; readonly ad: Uint8Array } {
  const { state, hash } = group!
  const header = encodeSenderKeyHeader({ groupId: state.groupId, epoch: state.epoch, stateHash: hash, chainId, counter, commitmentOrSalt: deps.random(16) })
  return { header, ad: T(LABELS.senderKeyMessage, idToBytes(as.accountId as never), u32(as.deviceId), header) }
}

export const groupPlaintext = (text: string, manifestHash: Uint8Array): Uint8Array => T(LABELS.senderKeyPlaintext, fields('text', text), u64(1), manifestHash)

/** header ‖ signature ‖ sealed, with whatever signing key. */
export function signedMessage(
  { deps }: Insider,
  { header, ad, sealed, signingKey }: { header: Uint8Array; ad: Uint8Array; sealed: Uint8Array; signingKey: Uint8Array },
): Uint8Array {
  const { provider } = deps
  const signed = T(LABELS.senderKeySignature, provider.blake2b(64, ad), provider.blake2b(64, sealed))
  return concatBytes(header, provider.ed25519Sign(signingKey, signed), sealed)
}

/** A message that is right in everything but who has signed it. */
export function forgedMessage(
  insider: Insider,
  forgery: GroupForgery & { readonly messageKey: Uint8Array; readonly text: string; readonly signingKey: Uint8Array },
): Uint8Array {
  const { provider } = insider.deps
  const { header, ad } = groupHeader(insider, forgery)
  const { key, nonce, commitment, adHash } = messageSecrets(provider, forgery.messageKey, ad)
  const data = pad(groupPlaintext(forgery.text, new Uint8Array(32)))
  const sealed = concatBytes(commitment, provider.aeadSeal(key, nonce, { data, associatedData: adHash }))
  return signedMessage(insider, { header, ad, sealed, signingKey: forgery.signingKey })
}

/** Shows a message to a victim as the relay names its sender, and waits until it has been dealt with: the marker comes behind it. */
export async function shown(
  scene: { readonly mallory: Insider; readonly relay: { deliver(to: string, from: string, body: Uint8Array): void } },
  victim: { readonly name: string; readonly person: Person },
  rows: readonly { readonly from: string; readonly body: Uint8Array }[],
): Promise<string[]> {
  const { lines } = victim.person.process
  const before = lines.length
  for (const { from, body } of rows) scene.relay.deliver(victim.name, from, body)
  scene.mallory.send(victim.name, 'text', `marker ${before}`)
  await victim.person.sees(new RegExp(`^mallory: marker ${before}$`))
  return lines.slice(before, -1)
}
