import type { Client, Contact, SafetyNumber } from '@securechat/client'
import { useCallback } from 'react'
import { lookupReloaded } from './lookup-query.js'
import { useOpened } from './provider.js'
import type { Lookup } from './query.js'
import { useActiveQuery } from './use-query.js'

type AccountId = Contact['accountId']

const identitySignals = (client: Client, accountId: AccountId, reload: () => void): (() => void)[] =>
  (['identity-changed', 'identity-recovered'] as const).map((signal) =>
    client.on(signal, (event: { readonly accountId: AccountId }) => {
      if (event.accountId === accountId) reload()
    }),
  )

/** What can change a contact: its key, what arrives with its messages, and the conversation's accept and block. */
const contactSignals =
  (client: Client, accountId: AccountId) =>
  (reload: () => void): (() => void) => {
    const stops = [
      ...identitySignals(client, accountId, reload),
      client.on('message', ({ conversation }) => {
        if (conversation.peerId === accountId) reload()
      }),
      client.conversations.live().subscribe(reload),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  }

export type ContactLookup = Lookup<Contact> & { readonly reload: () => Promise<void> }

/** A contact by its account id; `missing` when this client does not know it. */
export function useContact(accountId: AccountId): ContactLookup {
  const { client, queries } = useOpened()
  const query = queries.get(`contact ${accountId}`, () => lookupReloaded(() => client.contacts.get(accountId), contactSignals(client, accountId)))
  const state = useActiveQuery(query)
  return { ...state, reload: query.reload }
}

export type SafetyNumberLookup = Lookup<SafetyNumber> & {
  /**
   * Notes that the people compared the number that is shown (or takes that back), then loads it anew. Rejects with the client's error:
   * `devices/identity-changed` where another number is the right one by now.
   */
  readonly setVerified: (verified: boolean) => Promise<void>
  /** Accepts the changed account key of the number that is shown: what is queued goes to the new key. Rejects with the client's error. */
  readonly acceptIdentity: () => Promise<void>
  readonly reload: () => Promise<void>
}

/** The safety number of the own and another account, loaded anew when a key changes. */
export function useSafetyNumber(accountId: AccountId): SafetyNumberLookup {
  const { client, queries } = useOpened()
  const query = queries.get(`safety-number ${accountId}`, () =>
    lookupReloaded(
      () => client.devices.safetyNumber(accountId),
      (reload) => {
        const stops = identitySignals(client, accountId, reload)
        return () => {
          for (const stop of stops) stop()
        }
      },
    ),
  )
  const state = useActiveQuery(query)
  /** What the person sees, and so what they have compared. */
  const digits = state.data?.digits ?? ''
  const setVerified = useCallback(
    async (verified: boolean) => {
      try {
        await client.devices.setVerified(accountId, verified && digits)
      } finally {
        await query.reload()
      }
    },
    [client, accountId, query, digits],
  )
  const acceptIdentity = useCallback(async () => {
    try {
      await client.devices.acceptIdentity(accountId, digits)
    } finally {
      await query.reload()
    }
  }, [client, accountId, query, digits])
  return { ...state, setVerified, acceptIdentity, reload: query.reload }
}
