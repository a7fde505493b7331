/** The browser's own reader of codes, where there is one; of its interface only what is used. */
interface BarcodeReader {
  detect(source: ImageBitmapSource): Promise<readonly { readonly rawValue: string }[]>
}
interface BarcodeReaderClass {
  new (options: { readonly formats: readonly string[] }): BarcodeReader
  getSupportedFormats(): Promise<readonly string[]>
}

/** Finds a QR code in a picture; undefined where there is none that can be read. */
export type CodeReader = (source: ImageBitmap | HTMLVideoElement) => Promise<string | undefined>

/** Pixels of the longer side that the reader of ours looks at: more costs time and finds no more. */
const LONGEST_SIDE = 1_200

async function browserReader(): Promise<CodeReader | undefined> {
  const Reader = (globalThis as { BarcodeDetector?: BarcodeReaderClass }).BarcodeDetector
  // Some browsers have the class and no format.
  if (!Reader || !(await Reader.getSupportedFormats().catch((): readonly string[] => [])).includes('qr_code')) return undefined
  const reader = new Reader({ formats: ['qr_code'] })
  return async (source) => (await reader.detect(source))[0]?.rawValue
}

function pixelsOf(source: ImageBitmap | HTMLVideoElement, canvas: HTMLCanvasElement): ImageData | undefined {
  const [width, height] = 'videoWidth' in source ? [source.videoWidth, source.videoHeight] : [source.width, source.height]
  if (width === 0 || height === 0) return undefined
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height))
  canvas.width = Math.round(width * scale)
  canvas.height = Math.round(height * scale)
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (!context) return undefined
  context.fillStyle = '#ffffff'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.drawImage(source, 0, 0, canvas.width, canvas.height)
  return context.getImageData(0, 0, canvas.width, canvas.height)
}

/** Milliseconds for one picture; a camera gives the next one soon. */
const STILL_MS = 1_000
const FRAME_MS = 60

/** The browser's reader or, where there is none, one that is loaded now. `still`: there is one picture only, so it may take longer over it. */
export async function createCodeReader({ still }: { readonly still: boolean }): Promise<CodeReader> {
  const native = await browserReader()
  if (native && !still) return native
  const { default: decode } = await import('qr/decode.js')
  const canvas = document.createElement('canvas')
  return async (source) => {
    const found = await native?.(source)
    if (found !== undefined) return found
    const pixels = pixelsOf(source, canvas)
    if (!pixels) return undefined
    try {
      return decode(pixels, { format: 'RGBA', timeLimit: still ? STILL_MS : FRAME_MS })
    } catch {
      // Its way to say that there is no code in this picture.
      return undefined
    }
  }
}

/** The code in a picture file; undefined where there is none, or no picture. */
export async function codeInPicture(file: Blob): Promise<string | undefined> {
  const reader = await createCodeReader({ still: true })
  const bitmap = await createImageBitmap(file).catch(() => undefined)
  if (!bitmap) return undefined
  try {
    return await reader(bitmap)
  } finally {
    bitmap.close()
  }
}
