import { useMemo } from 'react'
import { encode } from 'uqr'

/** White around the code: readers want four modules. */
const BORDER = 4

/** One path of all dark modules, run by run. */
function pathOf(rows: readonly (readonly boolean[])[]): string {
  let path = ''
  for (const [y, row] of rows.entries()) {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue
      const start = x
      while (row[x + 1]) x++
      path += `M${start} ${y}h${x - start + 1}v1h${start - x - 1}z`
    }
  }
  return path
}

/** Black on white in both themes: cameras read the inverse badly. Loaded lazily, for the encoder is not needed to chat. */
export default function QrCode({ text, label }: { readonly text: string; readonly label: string }) {
  const { size, path } = useMemo(() => {
    const { data, size: side } = encode(text, { ecc: 'L', border: BORDER })
    return { size: side, path: pathOf(data) }
  }, [text])
  return (
    <svg
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={label}
      className="block size-full rounded-2xl bg-white"
      shapeRendering="crispEdges"
      data-testid="qr-code"
    >
      <path d={path} fill="#000000" />
    </svg>
  )
}
