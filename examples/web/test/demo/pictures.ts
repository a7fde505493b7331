/** Two pictures for avatars, drawn here so that nothing needs a file. */
export async function demoPictures(): Promise<Uint8Array[]> {
  const draw = async (sky: readonly [string, string], hills: readonly string[], sun: string): Promise<Uint8Array> => {
    const canvas = document.createElement('canvas')
    canvas.width = canvas.height = 256
    const context = canvas.getContext('2d')!
    const gradient = context.createLinearGradient(0, 0, 0, 256)
    gradient.addColorStop(0, sky[0])
    gradient.addColorStop(1, sky[1])
    context.fillStyle = gradient
    context.fillRect(0, 0, 256, 256)
    context.fillStyle = sun
    context.beginPath()
    context.arc(170, 90, 34, 0, Math.PI * 2)
    context.fill()
    hills.forEach((color, i) => {
      context.fillStyle = color
      context.beginPath()
      context.moveTo(0, 256)
      for (let x = 0; x <= 256; x += 8) context.lineTo(x, 150 + i * 34 + Math.sin(x / (34 + i * 9) + i * 2) * (22 - i * 4))
      context.lineTo(256, 256)
      context.fill()
    })
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'))
    return new Uint8Array(await blob!.arrayBuffer())
  }
  return [
    await draw(['#f6b26b', '#f7e0b5'], ['#c8743c', '#8f4a2c', '#5b2d22'], '#fff3d6'),
    await draw(['#6aa5d8', '#cfe6f5'], ['#5b8f78', '#3c6b57', '#24473b'], '#fffbe8'),
  ]
}
