import type { CallOptions } from '@securechat/transport'

export interface NetworkCallOptions extends CallOptions {
  /** For `account.register`. */
  readonly registrationToken?: string
}
