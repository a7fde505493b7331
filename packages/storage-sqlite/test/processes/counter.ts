import { once } from 'node:events'
import { isSecureChatError } from '@securechat/protocol'
import { sqliteStorage } from '../../src/index.js'

/**
 * Says "ready", waits for a byte on standard input, opens the store and adds one to a counter as often as asked, by compare-and-swap.
 * Prints how often somebody else came first.
 */
const [path, times] = [process.argv[2]!, Number(process.argv[3])]
process.stdout.write('ready\n')
await once(process.stdin, 'data')
const storage = sqliteStorage({ path, busyTimeoutMs: 10_000 })
let conflicts = 0
for (let done = 0; done < times; ) {
  const entry = await storage.get('counter')
  // Lets the other process in between reading and writing, as any real work would.
  await new Promise((resolve) => setTimeout(resolve, 1))
  const value = new Uint8Array(4)
  new DataView(value.buffer).setUint32(0, (entry ? new DataView(entry.value.buffer).getUint32(0) : 0) + 1)
  try {
    await storage.commit([{ put: 'counter', value }], { expect: [{ key: 'counter', version: entry?.version ?? null }], durability: 'relaxed' })
    done++
  } catch (error) {
    if (!isSecureChatError(error, 'storage/conflict')) throw error
    conflicts++
  }
}
await storage.close()
process.stdout.write(`${conflicts}\n`)
process.stdin.destroy()
