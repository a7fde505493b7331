import type { ConfirmedWords } from '@securechat/client'
import { deriveRecoveryKeys, parseRecoveryWords } from '@securechat/crypto/recovery'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { readStored, type TestClient, type TestClientOptions, type TestNetwork } from '@securechat/testing'

/** What the person types back from the paper. */
export const typedBack = (words: readonly string[], positions: readonly number[]): ConfirmedWords =>
  Object.fromEntries(positions.map((position) => [position, words[position - 1] as string]))

/** Turns backups on and waits for the first one. Gives the words. */
export async function enableBackup(net: TestNetwork, client: TestClient): Promise<readonly string[]> {
  const { words, challenge } = await client.backups.createWords()
  await net.drive(client.backups.enable({ words, confirmed: typedBack(words, challenge) }))
  await net.drive(client.backups.run())
  return words
}

/** The person has lost the device and signs in on a new one with code and words. */
export async function newPhone(
  net: TestNetwork,
  lost: TestClient,
  words: readonly string[],
  { name = 'New phone', ...options }: TestClientOptions & { name?: string } = {},
): Promise<TestClient> {
  await net.drive(lost.close())
  // Codes for one number are some time apart.
  await net.clock.jump(300_000)
  const phone = await net.client(name, { ...options, phone: lost.phone, signedOut: true })
  await signIn(net, phone, { phone: lost.phone, words })
  await phone.start()
  return phone
}

export async function signIn(net: TestNetwork, client: TestClient, { phone, words }: { phone: string; words: readonly string[] }): Promise<void> {
  const login = await net.drive(client.account.requestCode({ phone }))
  const { code } = net.codes.filter((sent) => sent.phone === phone).at(-1)!
  await net.drive(login.confirm({ code, recoveryWords: words }))
}

/** Restores to the end. */
export async function restored(net: TestNetwork, client: TestClient, words: readonly string[]): Promise<void> {
  await net.drive(client.backups.restore({ words }))
  await net.drive(
    new Promise<void>((resolve) => {
      const look = (status: string | undefined): void => void (status !== 'running' && resolve())
      client.on('backup', ({ restore }) => look(restore?.status))
      void client.backups.state().then(({ restore }) => look(restore?.status))
    }),
  )
  await net.settle()
}

/** Rows of a client's store in which the key is that opens the backup. */
export async function rowsWithBackupKey({ disk }: TestClient, words: readonly string[]): Promise<string[]> {
  const { backupKey } = deriveRecoveryKeys(await sodiumProvider(), parseRecoveryWords(words.join(' ')))
  return [...(await readStored(disk))].flatMap(([key, value]) => (Buffer.from(value).includes(Buffer.from(backupKey.expose())) ? [key] : []))
}
