/**
 * Gives memory back at once. A garbage collector counts the small object and not the megabyte behind it: at the speed of a file's chunks it lets
 * 64 MiB and more pile up before it looks. The arrays on `buffer` are empty afterwards. Does nothing where the engine has no means.
 */
export function createRelease(): (buffer: ArrayBufferLike) => void {
  if ('transfer' in ArrayBuffer.prototype) return (buffer) => void (buffer as ArrayBuffer & { transfer(length: number): ArrayBuffer }).transfer(0)
  if (typeof MessageChannel === 'undefined') return () => undefined
  // A message to a closed port is dropped, and what was handed over with it.
  const { port1, port2 } = new MessageChannel()
  port2.close()
  return (buffer) => port1.postMessage(null, [buffer as ArrayBuffer])
}
