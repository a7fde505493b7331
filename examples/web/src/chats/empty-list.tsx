import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'

export function EmptyList({
  icon: Icon,
  title,
  children,
  action,
}: {
  readonly icon: LucideIcon
  readonly title: string
  readonly children?: ReactNode
  readonly action?: ReactNode
}) {
  return (
    <div className="flex flex-col items-center gap-3 px-8 pt-16 text-center">
      <span className="grid size-16 place-items-center rounded-full bg-accent-soft text-accent-ink">
        <Icon className="size-7" aria-hidden />
      </span>
      <p className="font-semibold text-lg">{title}</p>
      {children && <p className="max-w-xs text-pretty text-ink-soft">{children}</p>}
      {action && <div className="pt-2">{action}</div>}
    </div>
  )
}

/** The shape of rows to come, so that nothing jumps when they are there. */
export function LoadingRows() {
  return (
    <div role="status" className="flex flex-1 flex-col gap-1 overflow-hidden px-5 pt-1">
      <span className="sr-only">Loading your chats</span>
      {Array.from({ length: 8 }, (_, row) => row).map((row) => (
        <div key={row} aria-hidden className="flex animate-pulse items-center gap-3 py-2.5">
          <span className="size-12 rounded-full bg-sunken" />
          <span className="flex flex-1 flex-col gap-2">
            <span className="h-3.5 w-2/5 rounded bg-sunken" />
            <span className="h-3 w-4/5 rounded bg-sunken" />
          </span>
        </div>
      ))}
    </div>
  )
}
