import { type Client, createClient, isSecureChatError, type StorageState } from '@securechat/client'
import { indexedDbStorage } from '@securechat/storage-indexeddb'
import { webSocketTransport } from '@securechat/transport/websocket'

/** What the test can call in the page. */
export interface StorageKit {
  open(url: string): Promise<void>
  signIn(phone: string): Promise<void>
  /** Signs in and starts; gives the error's code, or nothing. */
  confirm(code: string, replaceKeys: boolean): Promise<string | undefined>
  state(): Promise<StorageState>
  keep(): Promise<StorageState>
  /** What `storage-at-risk` has told since `open`. */
  told(): readonly (readonly string[])[]
  logout(): Promise<void>
}

let client: Client
let login: Awaited<ReturnType<Client['account']['requestCode']>>
const told: (readonly string[])[] = []

const kit: StorageKit = {
  async open(url) {
    client = await createClient({ storage: indexedDbStorage({ name: 'risk' }), transport: webSocketTransport({ url }) })
    client.on('storage-at-risk', ({ risks }) => void told.push(risks))
  },
  async signIn(phone) {
    login = await client.account.requestCode({ phone })
  },
  async confirm(code, replaceKeys) {
    try {
      await login.confirm({ code, replaceKeys })
      await client.start()
    } catch (error) {
      if (!isSecureChatError(error)) throw error
      return error.code
    }
    return undefined
  },
  state: () => client.storage.state(),
  keep: () => client.storage.keep(),
  told: () => told,
  logout: () => client.account.logout(),
}
Object.assign(globalThis, { storageKit: kit })
