import type { ReactNode } from 'react'
import { Mark } from './brand.js'

export interface FullScreenProps {
  readonly title: string
  readonly children?: ReactNode
  readonly actions?: ReactNode
  readonly alert?: boolean
  readonly busy?: boolean
  readonly testId?: string
}

/** A page with one thing to say. */
export function FullScreen({ title, children, actions, alert = false, busy = false, testId }: FullScreenProps) {
  return (
    <main className="wallpaper grid h-full place-items-center overflow-y-auto p-6" data-testid={testId}>
      <div role={alert ? 'alert' : undefined} className="flex max-w-sm animate-rise flex-col items-center gap-5 text-center">
        <Mark className={busy ? 'size-20 animate-breathe drop-shadow-lg' : 'size-16 drop-shadow'} />
        <h1 className="text-balance font-semibold text-2xl leading-tight">{title}</h1>
        {children && <div className="flex flex-col gap-3 text-pretty text-ink-soft">{children}</div>}
        {actions && <div className="flex flex-wrap justify-center gap-2 pt-1">{actions}</div>}
      </div>
    </main>
  )
}
