import olm from '@matrix-org/olm'

export const ready = olm.init()
export { olm }

export const identity = (account) => JSON.parse(account.identity_keys())

/** A one-time key of the account, as uploaded. */
export function oneTimeKey(account) {
  account.generate_one_time_keys(1)
  const [key] = Object.values(JSON.parse(account.one_time_keys()).curve25519)
  account.mark_keys_as_published()
  return key
}

/** olm takes and gives strings; the text is the base64 of nothing, so that plain ASCII of the same length is measured. */
export async function pair() {
  await ready
  const accounts = [new olm.Account(), new olm.Account()]
  for (const account of accounts) account.create()
  const [a, b] = accounts
  const alice = new olm.Session()
  alice.create_outbound(a, identity(b).curve25519, oneTimeKey(b))
  const first = alice.encrypt('hello')
  const bob = new olm.Session()
  bob.create_inbound(b, first.body)
  b.remove_one_time_keys(bob)
  bob.decrypt(first.type, first.body)
  const answer = bob.encrypt('hello')
  alice.decrypt(answer.type, answer.body)
  const side = (session) => ({
    encrypt: (text) => session.encrypt(text),
    decrypt: ({ type, body }) => session.decrypt(type, body),
  })
  return { alice: side(alice), bob: side(bob), text: true, sessionBytes: () => bob.pickle('key').length, wireBytes: ({ body }) => body.length }
}
