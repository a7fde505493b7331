import type { AccountId, DeviceId } from '@securechat/protocol'
import type { BusMessage } from '../ports/bus.js'
import { type BusContext, type ConformanceCase, expectEqual } from './case.js'
import { uniqueId } from './fixtures.js'

const message = (sequence: number): BusMessage => ({ type: 'mailbox', accountId: uniqueId<AccountId>(), deviceId: 1 as DeviceId, sequence })

export const busSuite: readonly ConformanceCase<BusContext>[] = [
  {
    name: 'bus: everybody who listens hears, in the order of publishing',
    async run({ open, settle }) {
      const { a, b, close } = await open()
      const heard: [BusMessage[], BusMessage[]] = [[], []]
      a.subscribe((one) => heard[0].push(one))
      b.subscribe((one) => heard[1].push(one))
      const sent: BusMessage[] = [
        ...Array.from({ length: 20 }, (_, i) => message(i)),
        { type: 'revoked', accountId: uniqueId<AccountId>(), sessionId: uniqueId() },
        { type: 'event', accountId: uniqueId<AccountId>(), deviceId: 2 as DeviceId, event: { type: 'prekeys-low', oneTime: 3 } },
        { type: 'connected', accountId: uniqueId<AccountId>(), deviceId: 2 as DeviceId, connection: uniqueId() },
      ]
      for (const one of sent) a.publish(one)
      await settle()
      expectEqual(heard, [sent, sent], 'what was heard')
      await close?.()
    },
  },
  {
    name: 'bus: a listener that throws disturbs nobody',
    async run({ open, settle }) {
      const { a, b, close } = await open()
      const heard: number[] = []
      a.subscribe(() => {
        throw new Error('listener')
      })
      a.subscribe(() => heard.push(1))
      b.subscribe(() => heard.push(2))
      a.publish(message(1))
      await settle()
      expectEqual(heard.sort(), [1, 2], 'who heard')
      await close?.()
    },
  },
  {
    name: 'bus: who unsubscribed hears nothing; one listener subscribed twice is two',
    async run({ open, settle }) {
      const { a, close } = await open()
      let heard = 0
      const listener = (): void => void heard++
      const first = a.subscribe(listener)
      a.subscribe(listener)
      a.publish(message(1))
      await settle()
      expectEqual(heard, 2, 'calls of a listener that subscribed twice')
      first()
      first()
      a.publish(message(2))
      await settle()
      expectEqual(heard, 3, 'calls after one of them unsubscribed')
      await close?.()
    },
  },
]
