import { DropdownMenu } from 'radix-ui'
import type { ReactNode } from 'react'
import { classNames } from './class-names.js'

export interface MenuProps {
  readonly trigger: ReactNode
  readonly children: ReactNode
  readonly align?: 'start' | 'center' | 'end'
  readonly side?: 'top' | 'bottom'
  readonly open?: boolean
  readonly onOpenChange?: (open: boolean) => void
  readonly label: string
  /** Before the focus goes back to the trigger; `preventDefault` lets it go elsewhere. */
  readonly onCloseFocus?: (event: Event) => void
}

/** Not modal: a modal menu would add a style element at run time (see AppDialog). */
export function Menu({ trigger, children, align = 'end', side = 'bottom', open, onOpenChange, label, onCloseFocus }: MenuProps) {
  return (
    <DropdownMenu.Root modal={false} {...(open !== undefined && { open })} {...(onOpenChange && { onOpenChange })}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      {/* Inside a landmark, where screen readers look for it. */}
      <DropdownMenu.Portal container={document.querySelector<HTMLElement>('main')}>
        <DropdownMenu.Content
          align={align}
          side={side}
          sideOffset={4}
          collisionPadding={12}
          aria-label={label}
          {...(onCloseFocus && { onCloseAutoFocus: onCloseFocus })}
          className="z-50 min-w-52 animate-rise rounded-2xl border border-line bg-surface p-1.5 shadow-mid outline-none"
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

export interface MenuItemProps {
  readonly icon: ReactNode
  readonly children: ReactNode
  readonly onSelect: () => void
  readonly danger?: boolean
}

export function MenuItem({ icon, children, onSelect, danger = false }: MenuItemProps) {
  return (
    <DropdownMenu.Item
      onSelect={onSelect}
      className={classNames(
        'flex min-h-10 select-none items-center gap-3 rounded-xl px-3 outline-none [&>svg]:size-[18px]',
        danger ? 'text-danger data-highlighted:bg-danger-soft' : 'data-highlighted:bg-hover [&>svg]:text-ink-soft',
      )}
    >
      {icon}
      {children}
    </DropdownMenu.Item>
  )
}

export const MenuLine = () => <DropdownMenu.Separator className="mx-2 my-1.5 h-px bg-line" />
