import { useEffect, useRef, useState } from 'react'
import { hueOf, initialsOf } from '../format/avatar-look.js'
import { classNames } from './class-names.js'

const HUES = ['bg-(--hue-0)', 'bg-(--hue-1)', 'bg-(--hue-2)', 'bg-(--hue-3)', 'bg-(--hue-4)', 'bg-(--hue-5)', 'bg-(--hue-6)', 'bg-(--hue-7)'] as const
const SIZES = {
  small: { box: 'size-9 text-sm', pixels: 36 },
  medium: { box: 'size-12 text-base', pixels: 48 },
  large: { box: 'size-24 text-3xl', pixels: 96 },
} as const

export interface AvatarProps {
  /** Chooses the colour: the same id, the same colour, everywhere. */
  readonly id: string
  readonly name: string
  readonly image?: Uint8Array | undefined
  readonly size?: keyof typeof SIZES
  readonly className?: string
}

/** Decoration: the name always stands beside it, so screen readers pass over it. */
export function Avatar({ id, name, image, size = 'medium', className }: AvatarProps) {
  const { box, pixels } = SIZES[size]
  return (
    <span
      aria-hidden
      className={classNames(
        'relative inline-grid shrink-0 select-none place-items-center overflow-hidden rounded-full font-semibold text-white',
        HUES[hueOf(id)],
        box,
        className,
      )}
    >
      <span className="absolute inset-0 bg-linear-to-b from-white/12 to-black/8" />
      {/* Not in the document's text: the initials belong to no button's name. */}
      <span data-initials={initialsOf(name)} className="relative before:content-[attr(data-initials)]" />
      {image && <AvatarImage bytes={image} pixels={pixels} />}
    </span>
  )
}

/** Drawn rather than linked: the picture's bytes never need an address, and what is no picture leaves the initials in view. */
function AvatarImage({ bytes, pixels }: { readonly bytes: Uint8Array; readonly pixels: number }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [drawn, setDrawn] = useState(false)
  useEffect(() => {
    let current = true
    createImageBitmap(new Blob([bytes.slice()])).then(
      (bitmap) => {
        const context = canvas.current?.getContext('2d')
        if (current && context) {
          const side = Math.min(bitmap.width, bitmap.height)
          context.clearRect(0, 0, context.canvas.width, context.canvas.height)
          context.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, context.canvas.width, context.canvas.height)
          setDrawn(true)
        }
        bitmap.close()
      },
      () => {
        if (current) setDrawn(false)
      },
    )
    return () => {
      current = false
    }
  }, [bytes])
  const resolution = Math.round(pixels * Math.min(globalThis.devicePixelRatio || 1, 3))
  return <canvas ref={canvas} width={resolution} height={resolution} className={classNames('absolute inset-0 size-full', !drawn && 'opacity-0')} />
}
