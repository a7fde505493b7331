import { LoaderCircle } from 'lucide-react'
import type { ReactNode } from 'react'

/** Something takes a moment: what it is, in the middle of the place where the result will be. */
export function Waiting({ children, className = '' }: { readonly children: ReactNode; readonly className?: string }) {
  return (
    <div role="status" className={`flex flex-col items-center justify-center gap-3 text-center text-ink-soft ${className}`}>
      <LoaderCircle className="size-7 animate-spin text-accent-ink" aria-hidden />
      <p className="text-pretty">{children}</p>
    </div>
  )
}
