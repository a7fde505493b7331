import type { ServerStore } from '@securechat/server'

/** A store to attack the server on. */
export interface Stage {
  /** An empty one. */
  open(): Promise<ServerStore>
  /** What another node has of it, where there can be one; else the same. */
  another(store: ServerStore): Promise<ServerStore>
  /** Every byte that it keeps, as whoever takes its disks has them; nothing where it keeps nothing. */
  kept(store: ServerStore): Promise<Buffer>
}
