import { KeyRound, MessagesSquare, ShieldCheck } from 'lucide-react'
import { type ReactNode, useEffect, useRef } from 'react'
import { Mark } from '../shell/brand.js'

const PROMISES = [
  { icon: ShieldCheck, text: 'Messages, names and pictures are encrypted on your device. The server only passes them on.' },
  { icon: KeyRound, text: 'Every message has a key of its own, also against the computers of tomorrow.' },
  { icon: MessagesSquare, text: 'Compare a safety number and know that you talk to the right person.' },
]

export interface LoginLayoutProps {
  readonly title: string
  readonly lead: ReactNode
  readonly children: ReactNode
}

/** The steps of the login share this frame; each moves the focus to its heading, so that a screen reader tells the step. */
export function LoginLayout({ title, lead, children }: LoginLayoutProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    // An input with autoFocus inside the step has it already.
    if (!heading.current?.closest('main')?.contains(document.activeElement)) heading.current?.focus()
  }, [])
  return (
    <div className="grid h-full overflow-y-auto bg-surface two-pane:grid-cols-[minmax(0,5fr)_minmax(0,6fr)]">
      <aside
        className="hidden flex-col justify-between bg-linear-to-br from-[#12897a] to-[#064a42] p-12 text-white two-pane:flex"
        aria-label="About SecureChat"
      >
        <p className="flex items-center gap-3 font-semibold text-lg">
          <Mark className="size-10 rounded-xl ring-1 ring-white/25" />
          SecureChat
        </p>
        <div className="flex max-w-md flex-col gap-8">
          <p className="text-balance font-semibold text-4xl leading-[1.15] tracking-tight">Private by construction, not by promise.</p>
          <ul className="flex flex-col gap-5">
            {PROMISES.map(({ icon: Icon, text }) => (
              <li key={text} className="flex gap-4">
                <Icon className="mt-0.5 size-6 shrink-0 text-[#9ff3e2]" aria-hidden />
                <span className="text-pretty text-white/95 leading-relaxed">{text}</span>
              </li>
            ))}
          </ul>
        </div>
        <p className="text-sm text-white/90">The example app of the SecureChat packages.</p>
      </aside>
      <main className="flex flex-col items-center justify-start px-6 pt-14 pb-8 two-pane:justify-center two-pane:pt-8">
        <div className="flex w-full max-w-sm flex-col gap-6">
          <Mark className="size-16 rounded-2xl shadow-mid two-pane:hidden" />
          <header className="flex flex-col gap-2">
            <h1 ref={heading} tabIndex={-1} className="font-semibold text-[1.75rem] leading-tight tracking-tight outline-none">
              {title}
            </h1>
            <div className="text-pretty text-ink-soft">{lead}</div>
          </header>
          {children}
        </div>
      </main>
    </div>
  )
}
