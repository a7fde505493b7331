/** How far something has come; says it to screen readers too. */
export function ProgressBar({ done, total, label }: { readonly done: number; readonly total: number; readonly label: string }) {
  const part = total === 0 ? 0 : Math.min(1, done / total)
  return (
    <svg
      viewBox="0 0 100 4"
      preserveAspectRatio="none"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(part * 100)}
      className="h-1.5 w-full rounded-full"
    >
      <rect width="100" height="4" className="fill-line" />
      <rect width={part * 100} height="4" className="fill-accent" />
    </svg>
  )
}
