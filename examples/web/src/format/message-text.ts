/** `at`: where in the text it begins. */
export type TextPart = { readonly at: number; readonly text: string; readonly href?: string }

const LINK = /\bhttps?:\/\/[^\s<>"']+/gi
const TRAILING = /[.,;:!?…]+$/

/** Splits off web addresses. Only http and https, and a link always shows where it leads. */
export function textParts(text: string): readonly TextPart[] {
  const parts: TextPart[] = []
  let end = 0
  for (const match of text.matchAll(LINK)) {
    let shown = match[0].replace(TRAILING, '')
    // A closing bracket belongs to the sentence unless the address opened one.
    while (shown.endsWith(')') && !balanced(shown)) shown = shown.slice(0, -1)
    const href = safeHref(shown)
    if (!href) continue
    if (match.index > end) parts.push({ at: end, text: text.slice(end, match.index) })
    parts.push({ at: match.index, text: shown, href })
    end = match.index + shown.length
  }
  if (end < text.length) parts.push({ at: end, text: text.slice(end) })
  return parts
}

const balanced = (text: string): boolean => text.split('(').length >= text.split(')').length

function safeHref(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : undefined
}

/** One to three emoji and nothing else: shown large. */
export const isOnlyEmoji = (text: string): boolean =>
  /^(?:\p{Extended_Pictographic}(?:\uFE0F|\u200D\p{Extended_Pictographic}|\p{Emoji_Modifier})*\s?){1,3}$/u.test(text.trim())
