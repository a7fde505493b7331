import fc from 'fast-check'
import { expect } from 'vitest'
import type { CryptoProvider } from '../../src/index.js'
import { conversationCommands } from './conversation-commands.js'
import { ConversationSystem } from './conversation-system.js'

/** 2,000 in CI over both files; what a change breaks, a few hundred find while one works. */
export const RUNS = Number(process.env.SECURECHAT_MODEL_RUNS ?? (process.env.CI ? 2_000 : 200)) / 2
const SEED = Number(process.env.SECURECHAT_MODEL_SEED ?? 20_261_123)
export const LONGEST = 900_000
export const PROMISE = 'read exactly once, no key used twice, nothing changed by what is refused, one session in the end'

/** `half` 0 or 1: two files, so that two cores share the work. */
export function runConversations(provider: CryptoProvider, half: 0 | 1): void {
  const seed = SEED * 2 + half
  let steps = 0
  let messages = 0
  fc.assert(
    fc.property(conversationCommands(200), fc.nat(), (commands, randomness) => {
      const system = new ConversationSystem(provider, randomness)
      fc.modelRun(() => ({ model: {}, real: system }), commands)
      steps += [...commands].length
      system.settle()
      messages += system.delivered.alice.length + system.delivered.bob.length
    }),
    { numRuns: RUNS, seed },
  )
  console.info(`conversations: ${RUNS} runs, ${steps} steps, ${messages} messages delivered, seed ${seed}`)
  expect(messages).toBeGreaterThan(RUNS)
}
