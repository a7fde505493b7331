import { test } from 'vitest'
import { node } from '../support/providers.js'
import { LONGEST, PROMISE, RUNS, runConversations } from './conversation-run.js'

test(`${RUNS} conversations of up to 200 steps with node: ${PROMISE}`, () => runConversations(node, 1), LONGEST)
