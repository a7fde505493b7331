/** 60 digits in twelve groups: short enough to read out, and the eye finds a difference. */
export function SafetyNumberGrid({ digits }: { readonly digits: string }) {
  const groups = digits.replace(/\D/g, '').match(/\d{5}/g) ?? []
  return (
    <ol
      data-testid="safety-number"
      aria-label="Safety number, twelve groups of five digits"
      className="grid grid-cols-3 gap-x-4 gap-y-2.5 rounded-2xl bg-sunken px-4 py-5 font-mono font-semibold text-lg tracking-wider tabular-nums two-pane:grid-cols-4 two-pane:text-base"
    >
      {groups.map((group, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two groups may be equal, and their places never change.
        <li key={i} className="text-center">
          {group}
        </li>
      ))}
    </ol>
  )
}
