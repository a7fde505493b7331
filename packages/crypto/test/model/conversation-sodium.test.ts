import { test } from 'vitest'
import { sodium } from '../support/providers.js'
import { LONGEST, PROMISE, RUNS, runConversations } from './conversation-run.js'

test(`${RUNS} conversations of up to 200 steps with libsodium: ${PROMISE}`, () => runConversations(sodium, 0), LONGEST)
