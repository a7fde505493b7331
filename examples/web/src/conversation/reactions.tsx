import type { AccountState, Message } from '@securechat/client'
import { classNames } from '../ui/class-names.js'

export interface ReactionsProps {
  readonly reactions: Message['reactions']
  readonly ownId: AccountState['accountId']
  readonly peerName: string
  readonly mine: boolean
  readonly onToggle: (emoji: string) => void
}

export function Reactions({ reactions, ownId, peerName, mine, onToggle }: ReactionsProps) {
  const emojis = [...new Set(reactions.map(({ emoji }) => emoji))]
  return (
    <div className={classNames('z-[1] -mt-1.5 flex gap-1', mine ? 'mr-2' : 'ml-2')}>
      {emojis.map((emoji) => {
        const people = reactions.filter((reaction) => reaction.emoji === emoji)
        const own = people.some(({ accountId }) => accountId === ownId)
        const names = people.map(({ accountId }) => (accountId === ownId ? 'you' : peerName)).join(' and ')
        return (
          <button
            key={emoji}
            type="button"
            aria-pressed={own}
            aria-label={`${emoji} by ${names}`}
            title={names}
            onClick={() => onToggle(emoji)}
            data-testid="reaction"
            className={classNames(
              'inline-flex h-7 items-center gap-1 rounded-full border px-2 text-sm shadow-low',
              own ? 'border-accent bg-accent-soft' : 'border-line bg-surface',
            )}
          >
            <span className="font-emoji">{emoji}</span>
            {people.length > 1 && <span className="font-medium text-ink-soft text-xs">{people.length}</span>}
          </button>
        )
      })}
    </div>
  )
}
