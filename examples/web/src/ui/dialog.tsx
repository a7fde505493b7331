import { X } from 'lucide-react'
import { Dialog } from 'radix-ui'
import { type ReactNode, useLayoutEffect, useRef } from 'react'
import { IconButton } from './button.js'
import { classNames } from './class-names.js'

export interface AppDialogProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  readonly title: string
  readonly description?: ReactNode
  readonly children?: ReactNode
  readonly footer?: ReactNode
  /** An answer is needed: no closing by a click beside it, and no cross. */
  readonly alert?: boolean
  readonly wide?: boolean
}

/**
 * A modal dialog; a sheet from below on a phone. The dark layer behind it is our own: Radix' Overlay (and everything else that locks the
 * page's scrolling) adds a style element at run time, which the content security policy refuses. The page itself never scrolls here.
 */
export function AppDialog({ open, onOpenChange, title, description, children, footer, alert = false, wide = false }: AppDialogProps) {
  const returnTo = useRef<Element | null>(null)
  useLayoutEffect(() => {
    if (open) returnTo.current = document.activeElement
  }, [open])

  const giveFocusBack = (event: Event): void => {
    event.preventDefault()
    // What opened it may be gone, as a menu's item is: then to the pane's main control.
    const target = returnTo.current?.isConnected && returnTo.current !== document.body ? returnTo.current : document.querySelector('[data-focus-home]')
    if (target instanceof HTMLElement) target.focus()
  }

  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <div className="fixed inset-0 z-40 animate-appear bg-(--scrim)" aria-hidden />
        <Dialog.Content
          {...(description === undefined && { 'aria-describedby': undefined })}
          {...(alert && { role: 'alertdialog', onPointerDownOutside: (event: Event) => event.preventDefault() })}
          aria-modal
          onCloseAutoFocus={giveFocusBack}
          className={classNames(
            'fixed z-50 flex max-h-[min(92dvh,46rem)] w-full flex-col bg-surface shadow-high outline-none',
            'inset-x-0 bottom-0 animate-sheet rounded-t-3xl pb-[env(safe-area-inset-bottom)]',
            'two-pane:inset-auto two-pane:top-1/2 two-pane:left-1/2 two-pane:-translate-x-1/2 two-pane:-translate-y-1/2 two-pane:animate-rise two-pane:rounded-3xl two-pane:pb-0',
            wide ? 'two-pane:max-w-lg' : 'two-pane:max-w-md',
          )}
        >
          <header className="flex items-start gap-2 px-6 pt-5 pb-1">
            <Dialog.Title className="flex-1 pt-1.5 font-semibold text-xl leading-tight">{title}</Dialog.Title>
            {!alert && (
              <Dialog.Close asChild>
                <IconButton label="Close" className="-mr-2">
                  <X className="size-5" aria-hidden />
                </IconButton>
              </Dialog.Close>
            )}
          </header>
          <div className="min-h-0 flex-1 overflow-y-auto px-6 pt-1 pb-5">
            {description !== undefined && (
              <Dialog.Description asChild>
                <div className="text-ink-soft">{description}</div>
              </Dialog.Description>
            )}
            {children}
          </div>
          {footer && <footer className="flex flex-wrap-reverse justify-end gap-2 border-line border-t px-6 py-4">{footer}</footer>}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
