import { type Client, type ConnectionState, SecureChatError } from '@securechat/client'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from '../../src/app.js'
import '../../src/styles.css'
import { DEMO_BACKUPS } from './backups.js'
import { demoChats, OWN_ID } from './data.js'
import { demoClient } from './demo-client.js'
import { DEMO_HISTORY } from './devices.js'
import { demoPictures } from './pictures.js'
import { DEMO_RISKS } from './storage.js'

/** `?scene=NAME` chooses the state; what can be reached by clicking, the scenes leave to clicks. */
const scene = new URLSearchParams(location.search).get('scene') ?? 'chats'

const CONNECTIONS: Readonly<Record<string, ConnectionState>> = {
  offline: { status: 'offline', synced: false, retryAt: Date.now() + 42_000, error: new SecureChatError('network/unreachable') },
  connecting: { status: 'connecting', synced: false },
  'catching-up': { status: 'online', synced: false },
  'update-required': { status: 'update-required', synced: false },
  'tab-waiting': { status: 'waiting-for-tab', synced: false },
}

const DEMO_LOCKS = [
  { id: 'a', kind: 'passphrase', createdAt: Date.now() - 86_400_000 * 30 },
  { id: 'b', kind: 'passkey', createdAt: Date.now() - 86_400_000 * 3 },
]

async function openDemo(lock?: unknown): Promise<Client> {
  if (scene === 'locked') {
    if (!lock) throw new SecureChatError('storage/unlock-needed')
    throw new SecureChatError('storage/wrong-key')
  }
  if (scene === 'splash') return new Promise<never>(() => undefined)
  if (scene === 'no-storage') throw new SecureChatError('storage/unavailable')
  if (scene === 'corrupt') throw new SecureChatError('storage/corrupt')
  const pictures = await demoPictures()
  const chats = scene === 'empty' ? [] : demoChats(pictures)
  for (const chat of chats) if (scene === 'loading-messages') chat.stuck = true
  const account = scene.startsWith('login')
    ? ({ status: 'signed-out' } as const)
    : scene === 'revoked'
      ? ({ status: 'revoked' } as const)
      : ({ status: 'signed-in', accountId: OWN_ID, phone: '+14155550100', ...(scene !== 'profile' && { profile: { name: 'Alex Kim' } }) } as const)
  const client = demoClient({
    account,
    connection: CONNECTIONS[scene] ?? { status: 'online', synced: true },
    chats,
    ...(DEMO_BACKUPS[scene] && { backup: DEMO_BACKUPS[scene] }),
    ...(DEMO_RISKS[scene] && { risks: DEMO_RISKS[scene] }),
    linking: {
      linkedOnly: scene.startsWith('linked-device'),
      answered: scene.endsWith('-answered'),
      alerted: scene === 'alerts',
      expired: scene === 'login-expired',
      ...(DEMO_HISTORY[scene] && { history: DEMO_HISTORY[scene] }),
    },
  })
  if (scene === 'with-locks') client.privacy.locks.list = async () => DEMO_LOCKS
  if (scene === 'loading-chats') client.conversations.live = () => ({ get: () => undefined, subscribe: () => () => undefined })
  if (scene === 'defect') {
    client.conversations.live = () => {
      throw new Error('a defect in the app')
    }
  }
  return client
}

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App store={{ name: 'demo', open: openDemo, locks: async () => DEMO_LOCKS }} />
  </StrictMode>,
)
