import type { MailboxRow } from '@securechat/protocol'

/** A row as a malicious server makes it up or changes it; the sequence comes with the delivery. */
export type ForgedRow = Omit<MailboxRow, 'sequence'>

/**
 * One device's mailbox as the client sees it, when rows are invented in it or kept back. The client is shown sequences of this mailbox, ascending
 * as the protocol demands; the true server hears its own. Nothing is shifted before the first invented row.
 */
export class ShownMailbox {
  #last = 0
  readonly #shown = new Map<number, readonly MailboxRow[]>()
  readonly #marks: { readonly shown: number; readonly real: number }[] = []

  /** What the client gets for a row of the true mailbox; the same again when the row comes again. */
  show(real: number, forge: () => readonly ForgedRow[]): readonly MailboxRow[] {
    const before = this.#shown.get(real)
    if (before && before.length > 0) return before
    // At least the true sequence, so that an honest mailbox stays as it is.
    this.#last = Math.max(this.#last, real - 1)
    const rows = this.invent(forge())
    this.#shown.set(real, rows)
    if (rows.length > 0) this.#marks.push({ shown: this.#last, real })
    return rows
  }

  invent(rows: readonly ForgedRow[]): readonly MailboxRow[] {
    return rows.map((row) => ({ ...row, sequence: ++this.#last }))
  }

  /** The true sequence that an acknowledgement or a cursor of the client stands for. */
  realOf(shown: number): number {
    return this.#marks.reduce((highest, mark) => (mark.shown <= shown ? Math.max(highest, mark.real) : highest), 0)
  }
}
