import { ArrowLeft } from 'lucide-react'
import type { ReactNode } from 'react'
import { IconButton } from '../ui/button.js'

export interface PaneHeaderProps {
  readonly title: string
  readonly onBack?: () => void
  readonly backLabel?: string
  readonly children?: ReactNode
}

/** The top of the left pane: title, and back where the pane is not the first one. */
export function PaneHeader({ title, onBack, backLabel = 'Back to the chats', children }: PaneHeaderProps) {
  return (
    <header className="flex min-h-16 items-center gap-1.5 px-4 pt-1">
      {onBack && (
        <IconButton label={backLabel} onClick={onBack} className="-ml-2">
          <ArrowLeft className="size-5" aria-hidden />
        </IconButton>
      )}
      <h1 className="min-w-0 flex-1 truncate font-bold text-2xl tracking-tight">{title}</h1>
      {children}
    </header>
  )
}
