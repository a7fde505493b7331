import type { MailboxRow, OperationInput, OperationName, OperationOutput, SendFrame } from '@securechat/protocol'
import type { ForgedRow } from './mailbox.js'

/** One call of a client. What the handler resolves with is the answer; a `SecureChatError` that it throws is the refusal. */
export interface InterceptedCall<Name extends OperationName> {
  /** Name of the client, as given to `net.client`. */
  readonly client: string
  readonly input: OperationInput<Name>
  /** Asks the true server, with another input if one is given, as often as wanted. Rejects with its refusal. */
  forward(input?: OperationInput<Name>): Promise<OperationOutput<Name>>
}
export type CallHandler<Name extends OperationName> = (call: InterceptedCall<Name>) => Promise<OperationOutput<Name>> | OperationOutput<Name>

/** Envelopes on their way to mailboxes. Resolving tells the client that they are stored, whether or not that is so. */
export interface InterceptedSend {
  readonly client: string
  readonly frame: SendFrame
  forward(frame?: SendFrame): Promise<void>
}
export type SendHandler = (send: InterceptedSend) => Promise<void> | void

/** A row on its way to a client. The handler gives what the client gets in its place: nothing, the row, or any others. */
export interface InterceptedRow {
  readonly client: string
  readonly row: MailboxRow
}
export type RowHandler = (delivery: InterceptedRow) => readonly ForgedRow[]
