import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from 'react'

const ToastContext = createContext<(text: string) => void>(() => undefined)

/** Tells in passing that something was done, or why not; also to screen readers. */
export const useToast = (): ((text: string) => void) => useContext(ToastContext)

const SHOWN_MS = 4_000

export function ToastProvider({ children }: { readonly children: ReactNode }) {
  const [shown, setShown] = useState<{ readonly text: string }>()
  const show = useCallback((text: string) => setShown({ text }), [])
  useEffect(() => {
    if (!shown) return
    const timer = setTimeout(() => setShown(undefined), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [shown])
  return (
    <ToastContext value={show}>
      {children}
      <div role="status" className="pointer-events-none fixed inset-x-0 bottom-24 z-[60] flex justify-center px-4">
        {shown && <p className="max-w-md animate-rise rounded-full bg-ink px-5 py-2.5 text-sm text-surface shadow-mid">{shown.text}</p>}
      </div>
    </ToastContext>
  )
}
