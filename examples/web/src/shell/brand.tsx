/** The app's mark: a speech bubble with a lock. */
export function Mark({ className }: { readonly className?: string }) {
  return <img src="/icon.svg" alt="" width={64} height={64} className={className} />
}
