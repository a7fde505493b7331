import * as mls from 'ts-mls'

/** The suite that needs no further library: X25519, AES-128-GCM, SHA-256, Ed25519; not post-quantum. */
const SUITE = 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519'

export const suite = async () => mls.getCiphersuiteImpl(mls.getCiphersuiteFromName(SUITE))

export const keyPackage = (impl, name) =>
  mls.generateKeyPackage({ credentialType: 'basic', identity: Buffer.from(name) }, mls.defaultCapabilities(), mls.defaultLifetime, [], impl)

/** One commit that adds all, and the state of the group with it. */
export async function form(impl, creator, packages) {
  const empty = await mls.createGroup(Buffer.from('group'), creator.publicPackage, creator.privatePackage, [], impl)
  const extraProposals = packages.map(({ publicPackage }) => ({ proposalType: 'add', add: { keyPackage: publicPackage } }))
  const { newState, welcome } = await mls.createCommit({ state: empty, cipherSuite: impl }, { extraProposals })
  return { state: newState, welcome }
}

export const join = (impl, { state, welcome }, { publicPackage, privatePackage }) =>
  mls.joinGroup(welcome, publicPackage, privatePackage, mls.emptyPskIndex, impl, state.ratchetTree)

export async function encrypt(impl, state, plaintext) {
  const { newState, privateMessage } = await mls.createApplicationMessage(state, plaintext, impl)
  return { state: newState, wire: mls.encodeMlsMessage({ privateMessage, wireformat: 'mls_private_message', version: 'mls10' }) }
}

export async function decrypt(impl, state, wire) {
  const decoded = mls.decodeMlsMessage(wire, 0)[0]
  const result = await mls.processPrivateMessage(state, decoded.privateMessage, mls.emptyPskIndex, impl)
  return { state: result.newState, plaintext: result.message }
}

/** Two members, one of whom writes. */
export async function pair() {
  const impl = await suite()
  const [alice, bob] = [await keyPackage(impl, 'alice'), await keyPackage(impl, 'bob')]
  const formed = await form(impl, alice, [bob])
  let sending = formed.state
  let receiving = await join(impl, formed, bob)
  return {
    async encrypt(plaintext) {
      const sent = await encrypt(impl, sending, plaintext)
      sending = sent.state
      return sent.wire
    },
    async decrypt(wire) {
      const read = await decrypt(impl, receiving, wire)
      receiving = read.state
      return read.plaintext
    },
  }
}
