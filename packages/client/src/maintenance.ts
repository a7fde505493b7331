import { type Background, background } from './background.js'
import type { Context } from './context.js'
import type { Manifests } from './devices/manifests.js'
import { tendPreKeys } from './devices/prekeys.js'
import { showAccountKey } from './devices/receipt.js'
import { renewManifest } from './devices/renewal.js'
import { expireIdle, type Introduction, introduceSelf, refreshSeen } from './devices/upkeep.js'
import { sweep } from './state/sweep.js'
import { fraction } from './waiting.js'

const HOUR = 3_600_000
/** Between two rounds, and up to half as much again. */
const EVERY_MS = 6 * HOUR

export interface MaintenanceOptions {
  readonly introduction: Introduction
  readonly idleDays: number
}

/** Prekeys, the own manifest and devices, and what has become old: after every connect, when the server says so, and some times a day. */
export function createMaintenance(context: Context, manifests: Manifests, { introduction, idleDays }: MaintenanceOptions): Background {
  const { network, clock, random, logger, identity } = context
  return background(context, {
    ready: (stopped) => network.untilOnline(stopped),
    async round() {
      try {
        await tendPreKeys(context)
        // What happened to the list while this device was off is found, and told, now.
        await manifests.refresh((await identity.self()).accountId)
        await renewManifest(context, manifests)
        await showAccountKey(context, manifests)
        await introduceSelf(context, introduction)
        await refreshSeen(context)
        await expireIdle(context, manifests, idleDays)
      } finally {
        // What has become old goes whether or not the server could be asked: keys must not outlive their time for its sake.
        await sweep(context, clock.now())
      }
      return Math.floor(EVERY_MS * (1 + fraction(random) / 2))
    },
    onFailure: (code) => logger.debug('client.maintenance-later', { code }),
  })
}
