/** Messages between everybody who has the same store open; whoever posts does not get its own. */
export interface TabPort {
  post(message: unknown): void
  close(): void
}
export type OpenTabPort = (name: string, onMessage: (message: unknown) => void) => TabPort

/** BroadcastChannel; undefined where the platform has none. */
export function broadcastTabs(): OpenTabPort | undefined {
  if (typeof BroadcastChannel === 'undefined') return undefined
  return (name, onMessage) => {
    const channel = new BroadcastChannel(name)
    channel.onmessage = ({ data }: MessageEvent<unknown>) => onMessage(data)
    // In Node it would keep the process alive.
    ;(channel as { unref?: () => void }).unref?.()
    return { post: (message) => channel.postMessage(message), close: () => channel.close() }
  }
}
