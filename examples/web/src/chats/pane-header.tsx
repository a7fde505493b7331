import { ArrowLeft } from 'lucide-react'
import type { ReactNode } from 'react'
import { IconButton } from '../ui/button.js'

/** The top of the left pane: title, and back where the pane is not the first one. */
export function PaneHeader({ title, onBack, children }: { readonly title: string; readonly onBack?: () => void; readonly children?: ReactNode }) {
  return (
    <header className="flex min-h-16 items-center gap-1.5 px-4 pt-1">
      {onBack && (
        <IconButton label="Back to the chats" onClick={onBack} className="-ml-2">
          <ArrowLeft className="size-5" aria-hidden />
        </IconButton>
      )}
      <h1 className="min-w-0 flex-1 truncate font-bold text-2xl tracking-tight">{title}</h1>
      {children}
    </header>
  )
}
