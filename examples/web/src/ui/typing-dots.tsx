/** Three dots that move where motion is welcome. */
export const TypingDots = () => (
  <span aria-hidden className="inline-flex items-end gap-1">
    {[0, 1, 2].map((dot) => (
      <span
        key={dot}
        className={`size-1.5 animate-dot rounded-full bg-current opacity-50 ${['', '[animation-delay:150ms]', '[animation-delay:300ms]'][dot]}`}
      />
    ))}
  </span>
)
