import { type Capabilities, type Clock, LIMITS, type Logger, type Random, SecureChatError } from '@securechat/protocol'
import { createAccountService } from './account/accounts.js'
import { renewLease } from './account/lease.js'
import { createPreKeyService, type PreKeyService } from './account/prekeys.js'
import { createPresenceService, type PresenceService } from './account/presence.js'
import { createRegister } from './account/register.js'
import { createRegistrationLockService } from './account/registration-lock.js'
import { createArchiveService } from './archive/archive.js'
import { createAccessTokens } from './auth/access-tokens.js'
import { createCodeService } from './auth/codes.js'
import { createNonceCache, type NonceCache } from './auth/nonce-cache.js'
import { createHashes, requireSecrets, type ServerSecrets } from './auth/secrets.js'
import { createSessionService, type SessionService } from './auth/sessions.js'
import type { ServerConfig } from './config.js'
import { createDispatcher, type Dispatcher, type Handlers } from './dispatcher.js'
import type { InFlight } from './in-flight.js'
import { createLinkService } from './links/links.js'
import { createMailboxService, type MailboxService, sendCost } from './mailbox/mailbox.js'
import type { Bus } from './ports/bus.js'
import type { Metrics } from './ports/metrics.js'
import type { SharedNonces } from './ports/nonces.js'
import type { OtpSender } from './ports/otp.js'
import type { RateLimiter } from './ports/rate-limiter.js'
import type { ServerStore } from './ports/store.js'
import type { Verifier } from './ports/verifier.js'
import type { SocketRegistry } from './socket/registry.js'
import type { Slab } from './socket/slab.js'

/** What sockets need besides the services, from the first moment on. */
export interface SocketEnvironment {
  readonly clock: Clock
  readonly logger: Logger
  readonly bus: Bus
  readonly registry: SocketRegistry
  readonly inFlight: InFlight
  readonly slab: Slab
  readonly metrics?: Metrics
}

/** The services of a started server. */
export interface Runtime {
  readonly store: ServerStore
  readonly verifier: Verifier
  readonly sessions: SessionService
  /** Whether a registration token stands for a number now. */
  readonly registrationExists: (token: string) => Promise<boolean>
  readonly preKeys: PreKeyService
  readonly presence: PresenceService
  readonly mailbox: MailboxService
  readonly dispatcher: Dispatcher
  readonly nonces: NonceCache
  /** That no other node has seen it. Throws `auth/invalid-proof`. */
  readonly claimNonce: (sessionId: string, nonce: string) => Promise<void>
  readonly capabilities: Capabilities
}

export interface RuntimeInput extends SocketEnvironment {
  readonly store: ServerStore
  readonly otp: OtpSender
  readonly limiter: RateLimiter
  readonly sharedNonces: SharedNonces | undefined
  readonly random: Random
  readonly config: ServerConfig
  readonly capabilities: Capabilities
  readonly secrets: ServerSecrets | undefined
  readonly verifier: () => Promise<Verifier>
}

/** Secrets of a server that was given none: made once, then kept in its store (which a production server should not want). */
async function storedSecrets(store: ServerStore, random: Random): Promise<ServerSecrets> {
  const [tokenKey, phonePepper] = await Promise.all([store.keepOnce('token-key', random(32)), store.keepOnce('phone-pepper', random(32))])
  return { tokenKey, phonePepper }
}

/** For as long as the time of a proof may be accepted by the clock of any node. */
const NONCE_SECONDS = 2 * LIMITS.proofSkewSeconds + 10

const nonceClaims =
  ({ sharedNonces, logger }: RuntimeInput): Runtime['claimNonce'] =>
  async (sessionId, nonce) => {
    const first = await sharedNonces?.claim(`${sessionId}.${nonce}`, NONCE_SECONDS).catch(() => {
      logger.warn('nonces-alone')
      return true
    })
    if (first === false) throw new SecureChatError('auth/invalid-proof', { detail: 'nonce' })
  }

export async function createRuntime(input: RuntimeInput): Promise<Runtime> {
  const { store, otp, bus, registry, clock, random, limiter, config, capabilities } = input
  const counted = input.metrics && { metrics: input.metrics }
  const { limits } = config
  const [verifier, secrets] = await Promise.all([input.verifier(), input.secrets ?? storedSecrets(store, random)])
  const hashes = createHashes(verifier, requireSecrets(secrets))
  const accessTokens = await createAccessTokens({ tokenKey: secrets.tokenKey, issuer: config.issuer, clock })
  const sessions = createSessionService({ store, bus, verifier, hashes, accessTokens, clock, random })
  const codes = createCodeService({ store, otp, hashes, limiter, limits, policy: config.codes, clock, random, ...counted })
  const accounts = createAccountService({ store, bus, verifier, hashes, clock })
  const preKeys = createPreKeyService({ store, bus, verifier, limiter, limits })
  const mailbox = createMailboxService({ store, bus, clock, offer: registry.offer, ...counted })
  const links = createLinkService({ store, hashes, clock, random })
  const presence = createPresenceService({ store, clock, logger: input.logger })
  const locks = createRegistrationLockService({ store, verifier, hashes, bus, clock })
  const archive = createArchiveService({ store, clock })
  const register = createRegister({ store, bus, verifier, hashes, sessions, clock })
  const nothing = async (done: Promise<void>): Promise<Record<string, never>> => {
    await done
    return {}
  }

  const handlers: Handlers = {
    'server.capabilities': async () => ({ time: clock.now(), capabilities }),
    'auth.requestCode': (asked) => codes.request(asked),
    'auth.confirmCode': (asked) => codes.confirm(asked),
    'auth.unlockRegistration': (asked, { caller }) => locks.unlock(asked, caller.registrationToken),
    'auth.refresh': (asked) => sessions.refresh(asked),
    'auth.logout': (_, { device }) => nothing(sessions.logout(device)),
    'account.register': (asked, { caller }) => register(asked, caller.registrationToken),
    'account.lookup': (asked) => accounts.lookup(asked),
    'account.setProfile': (asked, { device }) => nothing(accounts.setProfile(asked, device)),
    'account.profile': (asked) => accounts.profile(asked),
    'account.setRegistrationLock': (asked, { device }) => nothing(locks.set(asked, device)),
    'account.registrationLock': (_, { device }) => locks.get(device),
    'account.delete': (asked, { device }) => nothing(accounts.erase(asked, device)),
    'devices.manifest': (asked) => accounts.manifests(asked),
    'devices.updateManifest': (asked, { device }) => nothing(accounts.updateManifest(asked, device)),
    'devices.invite': (asked, { device }) => links.invite(asked, device),
    'devices.seen': (_, { device }) => presence.seen(device),
    'devices.renewLease': (asked, { device }) => renewLease(store, device, asked),
    'links.open': (asked) => links.open(asked),
    'links.read': (asked) => links.read(asked),
    'links.answer': ({ linkId, answer }) => nothing(links.put('answer', { linkId, bytes: answer })),
    'links.confirm': ({ linkId, confirmation }) => nothing(links.put('confirmation', { linkId, bytes: confirmation })),
    'links.finish': (asked, { device }) => nothing(links.finish(asked, device)),
    'links.handover': ({ linkId, handover }) => nothing(links.put('handover', { linkId, bytes: handover })),
    'backups.manifest': (_, { device }) => archive.manifest(device),
    'backups.putManifest': (asked, { device }) => archive.putManifest(asked, device),
    'backups.putSegment': (asked, { device }) => nothing(archive.putSegment(asked, device)),
    'backups.segment': (asked, { device }) => archive.segment(asked, device),
    'backups.segments': (asked, { device }) => archive.segments(asked, device),
    'backups.deleteSegments': (asked, { device }) => nothing(archive.deleteSegments(asked, device)),
    'backups.erase': (_, { device }) => nothing(archive.erase(device)),
    'history.open': (asked, { device }) => archive.openTransfer(asked, device),
    'history.put': (asked, { device }) => nothing(archive.putPart(asked, device)),
    'history.read': (asked, { device }) => archive.readPart(asked, device),
    'history.close': (asked, { device }) => nothing(archive.closeTransfer(asked, device)),
    'prekeys.publish': (asked, { device }) => preKeys.publish(asked, device),
    'prekeys.count': (_, { device }) => preKeys.count(device),
    'prekeys.fetch': (asked, { device }) => preKeys.fetch(asked, device),
    'mailbox.send': async ({ sendId, body, recipients }, { caller, device }) => {
      const send = { sendId, recipients, ...(body && { body }) }
      // One was charged for the call.
      if (sendCost(send) > 1) await dispatcher.charge('send', caller, sendCost(send) - 1)
      return { time: await mailbox.send(send, device) }
    },
    'mailbox.fetch': (asked, { device }) => mailbox.fetch(asked, device),
    'mailbox.acknowledge': ({ upTo }, { device }) => nothing(mailbox.acknowledge(upTo, device)),
  }
  const dispatcher = createDispatcher({ handlers, limiter, limits, presence, clock, ...counted })
  return {
    store,
    verifier,
    sessions,
    registrationExists: async (token) => (await store.findRegistration(hashes.token(token), clock.now())) !== undefined,
    preKeys,
    presence,
    mailbox,
    capabilities,
    nonces: createNonceCache({ clock }),
    claimNonce: nonceClaims(input),
    dispatcher,
  }
}
