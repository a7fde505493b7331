import { LoaderCircle } from 'lucide-react'
import type { ComponentProps, ReactNode } from 'react'
import { classNames } from './class-names.js'

const VARIANTS = {
  primary: 'bg-accent text-on-accent shadow-low enabled:hover:bg-accent-strong',
  secondary: 'bg-sunken text-ink enabled:hover:bg-selected',
  quiet: 'text-accent-ink enabled:hover:bg-accent-soft',
  danger: 'bg-danger-fill text-white shadow-low enabled:hover:bg-danger-fill-strong',
  'quiet-danger': 'text-danger enabled:hover:bg-danger-soft',
} as const

export interface ButtonProps extends ComponentProps<'button'> {
  readonly variant?: keyof typeof VARIANTS
  /** Shows that work is under way and takes no clicks meanwhile; keeps its focus. */
  readonly pending?: boolean
  readonly icon?: ReactNode
  readonly small?: boolean
}

export function Button({ variant = 'primary', pending = false, icon, small = false, className, children, onClick, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      aria-busy={pending || undefined}
      {...rest}
      onClick={pending ? (event) => event.preventDefault() : onClick}
      className={classNames(
        'inline-flex select-none items-center justify-center gap-2 rounded-xl font-semibold transition-colors disabled:opacity-50',
        small ? 'min-h-9 px-3.5 text-sm' : 'min-h-11 px-5',
        VARIANTS[variant],
        className,
      )}
    >
      {pending ? <LoaderCircle className="size-4 animate-spin" aria-hidden /> : icon}
      {children}
    </button>
  )
}

export interface IconButtonProps extends ComponentProps<'button'> {
  readonly label: string
}

/** A round button with an icon; 40 px, so that a finger hits it. */
export function IconButton({ label, className, children, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={classNames(
        'inline-grid size-10 shrink-0 place-items-center rounded-full text-ink-soft transition-colors hover:bg-hover hover:text-ink aria-expanded:bg-hover',
        className,
      )}
    >
      {children}
    </button>
  )
}
