import type { AccountId, DeviceId, MailboxRow, ServerEvent } from '@securechat/protocol'
import type { BusMessage } from '../ports/bus.js'
import { CLOSE_CODES } from '../ports/socket.js'
import type { Connection } from './connection.js'

/** The sockets of this process: all of them, and the newest of every device by its account. */
export class SocketRegistry {
  readonly all = new Set<Connection>()
  readonly #accounts = new Map<AccountId, Map<DeviceId, Connection>>()

  find(accountId: AccountId, deviceId: DeviceId): Connection | undefined {
    return this.#accounts.get(accountId)?.get(deviceId)
  }

  /** The device's newest socket; an older one is closed. */
  signIn(connection: Connection, accountId: AccountId, deviceId: DeviceId): void {
    let devices = this.#accounts.get(accountId)
    if (!devices) {
      devices = new Map()
      this.#accounts.set(accountId, devices)
    }
    const older = devices.get(deviceId)
    devices.set(deviceId, connection)
    if (older !== connection) older?.close(CLOSE_CODES.replaced, 'replaced')
  }

  remove(connection: Connection): void {
    this.all.delete(connection)
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
