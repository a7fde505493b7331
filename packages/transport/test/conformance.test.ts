import { afterAll, beforeAll, describe, it } from 'vitest'
import { transportConformance } from '../src/conformance/index.js'
import { faultyTransport } from '../src/faults/index.js'
import { seeded, testClock } from './support/clock.js'
import { type EchoHost, loopbackEcho, webSocketEcho } from './support/echo.js'

describe('loopback', () => {
  for (const { name, run } of transportConformance) it(name, () => run(loopbackEcho()))
})

describe('faulty transport without faults', () => {
  for (const { name, run } of transportConformance) {
    it(name, () => {
      const context = loopbackEcho()
      const wrap = (inner: typeof context.transport) => faultyTransport(inner, { clock: testClock(), random: seeded(1) }).transport
      return run({ ...context, transport: wrap(context.transport), unreachable: wrap(context.unreachable!) })
    })
  }
})

describe('websocket against a real server', () => {
  let host: EchoHost
  beforeAll(async () => {
    host = await webSocketEcho()
  })
  afterAll(() => host.close())
  for (const { name, run } of transportConformance) it(name, async () => run(await host.context()))
})
