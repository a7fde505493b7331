export { createFakeClock, type FakeClock, turn } from './fake-clock.js'
export { createTestNetwork, type TestClient, type TestNetwork, type TestNetworkOptions } from './network.js'
export { type SeededRandom, seededRandom } from './seeded-random.js'
