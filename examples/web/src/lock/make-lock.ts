type Locks = typeof import('@securechat/client/locks')
export type MadeLock = ReturnType<Locks['passphraseLock']>

/** Slow key derivation is loaded when somebody sets or types a passphrase. */
export async function passphrase(text: string): Promise<MadeLock> {
  const { passphraseLock } = await import('@securechat/client/locks')
  return passphraseLock(text)
}

export async function passkey(userName: string): Promise<MadeLock> {
  const { passkeyLock } = await import('@securechat/client/locks')
  return passkeyLock({ userName, appName: 'SecureChat' })
}

export const passkeysExist = (): boolean => typeof PublicKeyCredential !== 'undefined'
