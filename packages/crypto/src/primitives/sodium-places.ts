/** Places of these sizes side by side in the module's memory, which nobody else is given. Pointers are byte offsets. */
export function reservePlaces(memory: { _malloc(bytes: number): number }, sizes: readonly number[]): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0)
  let at = memory._malloc(total)
  return sizes.map((size) => {
    at += size
    return at - size
  })
}
