import { createClient } from '@securechat/client'
import { indexedDbStorage } from '@securechat/storage-indexeddb'
import { webSocketTransport } from '@securechat/transport/websocket'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.js'
import './styles.css'

const STORAGE_NAME = 'example-web'

async function openClient() {
  const storage = indexedDbStorage({ name: STORAGE_NAME })
  try {
    // The server that delivers this page is the server of the chats.
    return await createClient({ storage, transport: webSocketTransport({ url: location.origin }) })
  } catch (error) {
    // The next try opens it anew; a connection left open would stand in its way.
    await storage.close()
    throw error
  }
}

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App client={openClient} storageName={STORAGE_NAME} />
  </StrictMode>,
)
