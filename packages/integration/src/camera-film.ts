import { writeFileSync } from 'node:fs'
import { encode } from 'uqr'

const WIDTH = 640
const HEIGHT = 480
const WHITE = 235
const BLACK = 16
const FRAMES = 10

/** A film of a QR code in the middle of a grey wall, as Chromium's fake camera plays it (YUV4MPEG2, 4:2:0). */
export function writeCodeFilm(file: string, text: string): void {
  const { data, size } = encode(text, { ecc: 'L', border: 4 })
  const module = Math.floor((HEIGHT - 20) / size)
  const [left, top] = [Math.floor((WIDTH - size * module) / 2), Math.floor((HEIGHT - size * module) / 2)]
  const luma = Buffer.alloc(WIDTH * HEIGHT, 120)
  for (let y = 0; y < size * module; y++)
    for (let x = 0; x < size * module; x++) luma[(top + y) * WIDTH + left + x] = data[Math.floor(y / module)]?.[Math.floor(x / module)] ? BLACK : WHITE
  const chroma = Buffer.alloc((WIDTH * HEIGHT) / 2, 128)
  const frame = Buffer.concat([Buffer.from('FRAME\n'), luma, chroma])
  writeFileSync(file, Buffer.concat([Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420jpeg\n`), ...Array.from({ length: FRAMES }, () => frame)]))
}
