/** Inside a `dl`. */
export const ShownDigits = ({ digits }: { readonly digits: string }) => (
  <div>
    <dt className="text-ink-soft text-sm">Type these digits on your other device</dt>
    <dd className="font-mono font-semibold text-4xl tracking-[0.12em]" data-testid="link-digits-shown">
      {digits.slice(0, 3)} {digits.slice(3)}
    </dd>
  </div>
)
