import type { AccountId, DeviceId, MailboxRow, ServerEvent } from '@securechat/protocol'
import type { DeviceCaller } from '../caller.js'
import type { BusMessage } from '../ports/bus.js'
import { CLOSE_CODES } from '../ports/socket.js'

/** What the registry asks of a socket. */
export interface RegisteredSocket {
  readonly id: string
  /** Set once it has signed in. */
  readonly device: DeviceCaller | undefined
  /** A row that was just stored for its device. */
  offer(row: MailboxRow): void
  /** A row with this sequence was stored by somebody. */
  wake(sequence: number): void
  /** Whatever others have told may have been lost: looks at the mailbox and at the session. */
  recheck(): void
  notify(event: ServerEvent): void
  /** Its session was ended. */
  revoke(): void
  close(code: number, reason: string): void
  /** Asks a silent client, closes one that stays silent. */
  checkSilence(): void
}

/** The sockets of this process: all of them, and the newest of every device by its account. */
export class SocketRegistry {
  readonly all = new Set<RegisteredSocket>()
  /** Those of `all` that have not signed in, oldest first. */
  readonly #anonymous = new Set<RegisteredSocket>()
  readonly #accounts = new Map<AccountId, Map<DeviceId, RegisteredSocket>>()

  add(connection: RegisteredSocket): void {
    this.all.add(connection)
    this.#anonymous.add(connection)
  }

  /** Closes the socket that has been open longest without signing in, so that another can take its place. False: there is none. */
  evictAnonymous(): boolean {
    const [oldest] = this.#anonymous
    oldest?.close(CLOSE_CODES.unavailable, 'too many connections')
    return oldest !== undefined
  }

  find(accountId: AccountId, deviceId: DeviceId): RegisteredSocket | undefined {
    return this.#accounts.get(accountId)?.get(deviceId)
  }

  /** The device's newest socket; an older one is closed. */
  signIn(connection: RegisteredSocket, accountId: AccountId, deviceId: DeviceId): void {
    this.#anonymous.delete(connection)
    let devices = this.#accounts.get(accountId)
    if (!devices) {
      devices = new Map()
      this.#accounts.set(accountId, devices)
    }
    const older = devices.get(deviceId)
    devices.set(deviceId, connection)
    if (older !== connection) older?.close(CLOSE_CODES.replaced, 'replaced')
  }

  remove(connection: RegisteredSocket): void {
    this.all.delete(connection)
    this.#anonymous.delete(connection)
    const { device } = connection
    if (!device) return
    const devices = this.#accounts.get(device.accountId)
    if (devices?.get(device.deviceId) !== connection) return
    devices.delete(device.deviceId)
    if (devices.size === 0) this.#accounts.delete(device.accountId)
  }

  offer = (recipient: { readonly accountId: AccountId; readonly deviceId: DeviceId }, row: MailboxRow): void => {
    this.find(recipient.accountId, recipient.deviceId)?.offer(row)
  }

  onBus = (message: BusMessage): void => {
    if (message.type === 'mailbox') {
      this.find(message.accountId, message.deviceId)?.wake(message.sequence)
      return
    }
    if (message.type === 'missed') {
      for (const connection of [...this.all]) connection.recheck()
      return
    }
    const devices = this.#accounts.get(message.accountId)
    for (const [deviceId, connection] of devices ? [...devices] : []) {
      if (message.deviceId !== undefined && message.deviceId !== deviceId) continue
      if (message.type === 'event') connection.notify(message.event)
      else if (message.type === 'connected') {
        if (message.connection !== connection.id) connection.close(CLOSE_CODES.replaced, 'replaced')
      } else if (message.sessionId === undefined || message.sessionId === connection.device?.sessionId) connection.revoke()
    }
  }

  notifyAll(event: ServerEvent): void {
    for (const connection of this.all) connection.notify(event)
  }
}
