/** Sends a one-time code. Rejects when it could not be handed over; the caller answers `server/unavailable`. Must not log either field. */
export interface OtpSender {
  send(message: { readonly phone: string; readonly code: string }): Promise<void>
}
