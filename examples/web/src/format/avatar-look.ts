/** 0 to 7, the same for the same id (FNV-1a, 32 bits). */
export function hueOf(id: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  return (hash >>> 8) & 7
}

const segments = typeof Intl.Segmenter === 'function' ? new Intl.Segmenter(undefined, { granularity: 'grapheme' }) : undefined
const firstCharacter = (word: string): string => (segments ? (segments.segment(word)[Symbol.iterator]().next().value?.segment ?? '') : ([...word][0] ?? ''))

/** Of the first and the last word; of a phone number its last two digits. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean)
  if (words.length === 0) return '?'
  if (/^[+\d\s()-]+$/.test(name)) return name.replace(/\D/g, '').slice(-2)
  const first = firstCharacter(words[0]!)
  const last = words.length > 1 ? firstCharacter(words.at(-1)!) : ''
  return `${first}${last}`.toLocaleUpperCase()
}
