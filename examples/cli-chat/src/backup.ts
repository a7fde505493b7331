import { type BackupState, type Client, isSecureChatError } from '@securechat/client'
import { type Ask, isYes, report } from './asking.js'
import type { Printer } from './printer.js'

const minute = (time: number): string => new Date(time).toISOString().slice(0, 16).replace('T', ' ')
const percent = ({ done, total }: { done: number; total: number }): string => `${total === 0 ? 100 : Math.floor((100 * done) / total)} %`

/** `/backup [on | now | off]`. */
export async function backup(chat: Client, argument: string, { ask, printer }: { ask: Ask; printer: Printer }): Promise<void> {
  if (argument === 'on') return turnOn(chat, ask, printer)
  if (argument === 'off') return turnOff(chat, ask, printer)
  if (argument === 'now') return tell(await chat.backups.run(), printer)
  if (argument !== '') return printer.say('problem', 'It is /backup, /backup on, /backup now or /backup off.')
  tell(await chat.backups.state(), printer)
}

/** The words are shown once, asked for from the paper, and wiped from the screen. */
async function turnOn(chat: Client, ask: Ask, printer: Printer): Promise<void> {
  const { words, challenge } = await chat.backups.createWords()
  const table = words.map((word, at) => `${String(at + 1).padStart(2)} ${word.padEnd(10)}${at % 6 === 5 ? '\n' : ''}`).join('')
  printer.say(
    'words',
    `Write these 24 words on paper. Whoever has them and your number has your account and your chats; without them nobody can restore.\n${table}`,
    {
      words,
      challenge,
    },
  )
  if ((await ask('Enter, once they are on paper. They leave the screen then. ')) === null) return
  printer.clear()
  for (;;) {
    const confirmed: Record<number, string> = {}
    for (const position of challenge) {
      const typed = await ask(`Word ${position} (empty: cancel): `)
      if (typed === null || typed.trim() === '') return printer.say('backup-cancelled', 'Cancelled: there is no backup under these words.')
      confirmed[position] = typed
    }
    try {
      await chat.backups.enable({ words, confirmed })
      break
    } catch (error) {
      if (!isSecureChatError(error, 'client/invalid-argument') || !/confirmed/.test(error.detail ?? '')) throw error
      report(error, printer)
    }
  }
  printer.say('backup-on', 'Backups are on; the first one is being made. /backup tells how far it is.')
}

async function turnOff(chat: Client, ask: Ask, printer: Printer): Promise<void> {
  if (!isYes(await ask('The backup on the server is erased. Your words stay the ones that recover the account. Go on? (yes/no) '))) return
  await chat.backups.disable()
  printer.say('backup-off', 'Backups are off.')
}

function tell(state: BackupState, printer: Printer): void {
  const { enabled, lastAt, bytes, progress, restore } = state
  if (restore) tellRestore(restore, printer)
  const text = !enabled
    ? 'There is no backup of this device. /backup on makes one.'
    : progress
      ? `A backup is being made: ${percent(progress)}.`
      : lastAt === undefined
        ? 'The first backup has not been made yet.'
        : `The newest backup is of ${minute(lastAt)}, ${bytes} bytes.`
  printer.say('backup', text, { enabled, lastAt, bytes, progress })
  if (state.error) report(state.error, printer)
}

function tellRestore({ status, createdAt, progress, error }: NonNullable<BackupState['restore']>, printer: Printer): void {
  const text = {
    running: `The backup of ${minute(createdAt)} is coming in: ${percent(progress)}.`,
    done: `The backup of ${minute(createdAt)} is restored.`,
    failed: `The backup of ${minute(createdAt)} could not be restored; /restore tries again.`,
  }[status]
  printer.say('restore', text, { status, createdAt, progress })
  if (error) report(error, printer)
}

/** Begins it; what goes on then is told by `listenToRestore`. A backup that is not there, or not for these words, is told and ends nothing. */
export async function restoreBackup(chat: Client, words: string, printer: Printer): Promise<void> {
  try {
    const { restore } = await chat.backups.restore({ words })
    if (restore) tellRestore(restore, printer)
  } catch (error) {
    report(error, printer)
  }
}

/** `/restore`. */
export async function restore(chat: Client, ask: Ask, printer: Printer): Promise<void> {
  const words = await ask('Your 24 words (empty: cancel): ')
  if (words?.trim()) await restoreBackup(chat, words.trim(), printer)
}

/** Says once how a restore has ended. */
export function listenToRestore(chat: Client, printer: Printer): void {
  let last: string | undefined
  chat.on('backup', ({ restore }) => {
    if (restore && restore.status !== last && restore.status !== 'running') tellRestore(restore, printer)
    last = restore?.status
  })
}
