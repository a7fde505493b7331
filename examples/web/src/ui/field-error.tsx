import { CircleAlert } from 'lucide-react'
import type { ReactNode } from 'react'

/** Beside the field it belongs to, which names it in `aria-describedby`. */
export function FieldError({ id, children }: { readonly id?: string; readonly children: ReactNode }) {
  return (
    <p id={id} role="alert" className="flex items-start gap-2 text-danger text-sm">
      <CircleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
      <span>{children}</span>
    </p>
  )
}
