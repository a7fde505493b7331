/** Pixels of each side of an avatar. */
export const AVATAR_SIDE = 256
/** Bytes that the profile has room for. */
export const AVATAR_BYTES = 48 * 1024

export interface Crop {
  readonly x: number
  readonly y: number
  readonly side: number
}

/** The largest square, in the middle; of a tall picture a little above it, where faces are. */
export function cropOf(width: number, height: number): Crop {
  const side = Math.min(width, height)
  return { x: (width - side) / 2, y: Math.max(0, (height - side) * 0.4), side }
}

export class NoPicture extends Error {
  override readonly name = 'NoPicture'
}

const encode = (canvas: HTMLCanvasElement, type: string, quality: number): Promise<Blob | null> =>
  new Promise((resolve) => canvas.toBlob(resolve, type, quality))

/**
 * Crops a picture to a square, scales it to 256 pixels and encodes it anew, which also drops whatever a camera wrote into it (place, time).
 * Throws NoPicture for what the browser cannot read as a picture.
 */
export async function avatarFrom(file: Blob): Promise<Uint8Array> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new NoPicture('The file is no picture that this browser can read.')
  })
  const canvas = document.createElement('canvas')
  canvas.width = AVATAR_SIDE
  canvas.height = AVATAR_SIDE
  const context = canvas.getContext('2d')
  if (!context) throw new NoPicture('This browser cannot draw.')
  const { x, y, side } = cropOf(bitmap.width, bitmap.height)
  context.imageSmoothingQuality = 'high'
  // Transparent pictures would turn black in a format without transparency.
  context.fillStyle = '#ffffff'
  context.fillRect(0, 0, AVATAR_SIDE, AVATAR_SIDE)
  context.drawImage(bitmap, x, y, side, side, 0, 0, AVATAR_SIDE, AVATAR_SIDE)
  bitmap.close()
  for (const quality of [0.86, 0.72, 0.55, 0.35]) {
    // Where WebP cannot be written, browsers give a PNG instead, whatever was asked.
    const webp = await encode(canvas, 'image/webp', quality)
    const blob = webp?.type === 'image/webp' ? webp : await encode(canvas, 'image/jpeg', quality)
    if (blob && blob.size <= AVATAR_BYTES) return new Uint8Array(await blob.arrayBuffer())
  }
  throw new NoPicture('The picture stays too large.')
}
