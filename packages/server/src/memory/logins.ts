import type { AccountState, CodeTry, LoginStore } from '../ports/store.js'
import { type Account, keyOf, type MemoryState, requireOpen } from './state.js'

const DAY = 86_400_000

export function accountState(account: Account): AccountState {
  const { accountId, nextDeviceId } = account
  const newest = account.manifests.at(-1)
  if (!newest) return { accountId, exists: false, manifestVersion: 0, nextDeviceId }
  return { accountId, exists: true, manifestVersion: newest.version, manifestHash: newest.hash.slice(), manifest: newest.bytes.slice(), nextDeviceId }
}

export function memoryLogins(state: MemoryState): LoginStore {
  return {
    async openLogin(login, decide) {
      requireOpen(state)
      const phone = keyOf(login.phoneHash)
      const sent = (state.sendings.get(phone) ?? []).filter((time) => time > login.now - DAY)
      const retryAt = decide(sent)
      if (retryAt !== null) return { opened: false, retryAt }
      state.sendings.set(phone, [...sent, login.now])
      state.logins.set(login.loginId, { phoneHash: login.phoneHash.slice(), codeMac: login.codeMac.slice(), expiresAt: login.expiresAt, tries: 0 })
      return { opened: true }
    },

    async tryCode({ loginId, now, maxTries }): Promise<CodeTry> {
      requireOpen(state)
      const login = state.logins.get(loginId)
      if (!login) return { state: 'absent' }
      if (now >= login.expiresAt || (login.redeemed && now >= login.redeemed.graceUntil)) return { state: 'expired' }
      if (login.tries >= maxTries) return { state: 'exhausted' }
      login.tries++
      return { state: 'counted', codeMac: login.codeMac.slice(), phoneHash: login.phoneHash.slice(), triesLeft: maxTries - login.tries }
    },

    async redeemLogin({ loginId, now, graceUntil, newAccountId, registrationHash, registrationExpiresAt }) {
      requireOpen(state)
      const login = state.logins.get(loginId)
      const registration = keyOf(registrationHash)
      if (!login || now >= login.expiresAt) return undefined
      if (login.redeemed && (now >= login.redeemed.graceUntil || login.redeemed.registrationHash !== registration)) return undefined
      const phone = keyOf(login.phoneHash)
      let account = state.accounts.get(state.phones.get(phone) ?? newAccountId)
      if (!account) {
        account = { accountId: newAccountId, phone, reservedUntil: 0, manifests: [], nextDeviceId: 1, devices: new Map() }
        state.accounts.set(newAccountId, account)
        state.phones.set(phone, newAccountId)
      }
      account.reservedUntil = Math.max(account.reservedUntil, registrationExpiresAt)
      if (!login.redeemed) {
        login.redeemed = { registrationHash: registration, graceUntil }
        state.registrations.set(registration, { accountId: account.accountId, expiresAt: registrationExpiresAt })
      }
      return accountState(account)
    },
  }
}
